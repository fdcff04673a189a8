"""The registry of checks, and how they are run on a family."""

import inspect
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mbm_hw.conformance.points import WIDTHS, points
from mbm_hw.multipliers import Spec
from mbm_hw.multipliers.registry import Family

Check = Callable[[Family, Sequence[Spec]], tuple[int, str]]


class Failure(Exception):
    """A fault of a family: a counterexample, in one line."""


class Absent(Exception):
    """Why there is nothing to check: no component, no definition, no published figures."""


class Result(NamedTuple):
    """The outcome of one check of one family.

    result : `ok`, `failed` or `absent`. checked : how many specs were checked; 0 for checks of the
    family as a whole. detail : the first counterexample, or the reason why the check, or a part of
    it, is absent.
    """

    family: str
    check: str
    result: str
    checked: int
    detail: str


CHECKS: dict[str, Check] = {}
"""The checks by name, without `check_`, in the order in which they are run."""


def of_spec(function: Callable[[Spec], None]) -> Callable[[Spec], None]:
    """Register a check of one spec. It is run on the specs of a family, to the first failure."""

    def run(entry: Family, specs: Sequence[Spec]) -> tuple[int, str]:
        checked, reasons = 0, []
        for spec in specs:
            try:
                function(spec)
                checked += 1
            except Absent as reason:
                reasons.append(str(reason))
        if not checked:
            raise Absent(reasons[0] if reasons else "no spec of the family can be made by name")
        return checked, reasons[0] if reasons else ""

    CHECKS[function.__name__.removeprefix("check_")] = run
    return function


def of_family(
    function: Callable[[Family, Sequence[Spec]], None],
) -> Callable[[Family, Sequence[Spec]], None]:
    """Register a check of a family as a whole; it gets the family's specs too."""

    def run(entry: Family, specs: Sequence[Spec]) -> tuple[int, str]:
        function(entry, specs)
        return 0, ""

    CHECKS[function.__name__.removeprefix("check_")] = run
    return function


def conform(
    entry: Family,
    specs: Sequence[Spec] | None = None,
    widths: Sequence[int] = WIDTHS,
    checks: Sequence[str] | None = None,
) -> Iterator[Result]:
    """Yield what comes of each check of a family.

    specs : the specs to check; None for those of `points(entry, widths)`. checks : names of CHECKS;
        None for all.
    """
    try:
        specs = list(points(entry, widths)) if specs is None else specs
    except Exception as error:  # the family's own code may raise anything
        yield Result(entry.label, "points", "failed", 0, in_words(error, entry))
        return
    for name in CHECKS if checks is None else checks:
        try:
            checked, detail = CHECKS[name](entry, specs)
            yield Result(entry.label, name, "ok", checked, detail)
        except Absent as reason:
            yield Result(entry.label, name, "absent", 0, str(reason))
        except Exception as error:  # the family's own code may raise anything
            yield Result(entry.label, name, "failed", 0, in_words(error, entry))


def in_words(error: Exception, entry: Family) -> str:
    """Return an error as one line, with the family's line that raised it."""
    text = " ".join(str(error).split())
    if isinstance(error, Failure):
        return text
    file = inspect.getfile(entry.kind)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    where = f" ({file.rpartition('/')[2]}, line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {text}{where}"
