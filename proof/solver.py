"""The solver: whether a set of assertions can be true, and of which values."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bitwuzla import Bitwuzla, Option, Options, Parser, Result, TermManager, version

VERSION = f"bitwuzla {version()}"


@dataclass(frozen=True)
class Answer:
    """sat : whether the assertions can be true; None if the time did not suffice.

    seconds : of processor time. values : of the terms asked for, as unsigned integers, if sat.
    """

    sat: bool | None
    seconds: float
    values: dict[str, int]


def solve(text: str, limit: float, shown: Sequence[str] = ()) -> Answer:
    """Return whether all assertions of the SMT-LIB `text` can be true at once.

    limit : in seconds of processor time. shown : the bit vectors whose values are wanted.
    """
    start = time.process_time()
    options = Options()
    options.set(Option.PRODUCE_MODELS, bool(shown))
    parser = Parser(TermManager(), options)
    parser.parse(text, True, False)  # check-sat commands are left out
    solver: Bitwuzla = parser.bitwuzla()
    solver.configure_terminator(lambda: time.process_time() - start > limit)
    result = solver.check_sat()
    sat = {Result.SAT: True, Result.UNSAT: False}.get(result)
    values = {}
    if sat:
        values = {term: int(solver.get_value(parser.parse_term(term)).value(10)) for term in shown}
    return Answer(sat, time.process_time() - start, values)
