"""The families' published vectors and their oracles: `tests/test_family_vectors.py` tries them.

Each family has a module here, called as the family. It has `VECTORS`, a list of `Vectors`, and
`oracle(spec, a, b)`: one product of magnitudes (values with signs, where the spec takes them) in
Python's integers and fractions, written from the definition alone.
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

from mbm_hw.multipliers import families
from mbm_hw.multipliers.parameters import parameter_of
from mbm_hw.multipliers.registry import Family

PAIRS = {
    8: ((100, 200), (183, 91), (3, 3), (255, 255), (7, 6), (1, 255)),
    16: ((40000, 50000), (12345, 54321), (65535, 65535), (300, 7)),
}
"""The pairs of operands that the vectors are of, by width."""


class Vectors(NamedTuple):
    """Known products and errors of one multiplier.

    spec : its identifier. products : those of `pairs`, or of the PAIRS of its width. sum : of the
    whole product table. bias, mred, peak_min, peak_max : in percent, over nonzero operands.
    """

    spec: str
    products: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    sum: int | None = None
    bias: float | None = None
    mred: float | None = None
    peak_min: float | None = None
    peak_max: float | None = None


def modules() -> dict[str, ModuleType]:
    """Return the modules of this package by the names of their families."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in found}


def entry_of(name: str) -> Family:
    """Return an integer family."""
    return next(entry for entry in families() if entry.name == name and not entry.kind.is_float)


def widths_of(kind: type) -> range:
    """Return the legal widths of an integer family."""
    step = kind.WIDTH_STEP
    return range(-(-kind.MIN_WIDTH // step) * step, kind.MAX_WIDTH + 1, step)


def legal_specs(entry: Family, width: int, signed: bool) -> Iterator:
    """Yield the specs of this width with all legal parameters."""
    parameters = {
        f.name: parameter
        for f in dataclasses.fields(entry.kind)
        if (parameter := parameter_of(f)) and f.name not in entry.fixed
    }
    fields = {"width": width, "signed": signed} | entry.fixed
    yield from _specs(entry.kind, list(parameters.items()), fields)


def _specs(kind, parameters, fields):
    if not parameters:
        yield kind(**fields)
        return
    (name, parameter), *others = parameters
    for value in parameter.legal(SimpleNamespace(**fields)):
        yield from _specs(kind, others, fields | {name: value})
