"""python -m proof.toggles: is everything toggled that can toggle, in simulations with coverage?

Of each bit that Verilator saw stay, it is proved that no operands, and in clocked designs no inputs
since a reset, ever change it. Exit status 0: so it is of all of them; 1: one could have toggled, a
branch was not taken, nothing was counted, or there is no proof; 2: a wrong argument.
"""

import re
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from tabulate import tabulate

from mbm_hw.system.supervision import supervise
from proof.claims import all_of, unrolled
from proof.command import NamedDesign, run
from proof.model import Model, read_model
from proof.solver import solve
from sim.code_coverage import read_points
from sim.designs import ALL, verilog_file

LIMIT = 120  # seconds of processor time for a bit
_TOGGLE = re.compile(r"toggle (\w+)(?:\[(\d+)\])?:[01]->[01]$")


@dataclass(frozen=True)
class Toggles:
    """What came of a design.

    points : branches and toggles that Verilator counts, both ways of a bit apart.
    constant : the bits that cannot toggle, by proof, as "wire[3] is 0".
    missed : points that did not happen and could have, for all that was proved.
    """

    design: str
    points: int
    constant: tuple[str, ...]
    missed: tuple[str, ...]


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.argument("names", nargs=-1, type=NamedDesign())
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True)
def main(folder, names, processes):
    """Account for the toggles that simulations with coverage did not see.

    FOLDER: has NAME/coverage.dat of the designs, as results/sim/verilator has. NAMES: designs (all
    of rtl/).
    """
    designs = names or tuple(ALL.values())
    paths = [folder / design.name / "coverage.dat" for design in designs]
    for path in paths:
        if not path.exists():
            raise click.UsageError(f"{path} is missing: simulate with COVERAGE=1")
    sources = [verilog_file(design, folder.parent / "verilog") for design in designs]
    with ProcessPoolExecutor(processes) as pool:
        found = list(pool.map(accounted, sources, paths))
    rows = [
        (t.design, t.points, len(t.constant), len(t.missed), ", ".join(t.constant)) for t in found
    ]
    print(tabulate(rows, ["design", "points", "constant", "missed", "bits that cannot toggle"]))
    for toggles in found:
        if not toggles.points:
            print(f"{toggles.design}: Verilator counted nothing", file=sys.stderr)
        for point in toggles.missed:
            print(
                f"{toggles.design}: not seen, and not proved impossible: {point}",
                file=sys.stderr,
            )
    missed = sum(len(toggles.missed) for toggles in found)
    print(f"{missed} of {sum(t.points for t in found)} points missed that can happen")
    return missed > 0 or not all(toggles.points for toggles in found)


def accounted(source: Path, coverage: Path) -> Toggles:
    """Return what came of the Verilog file `source`, whose simulation left the file `coverage`."""
    points = read_points(coverage)
    untouched = [point for point, count in points.items() if not count]
    constant, missed = [], []
    if untouched:
        values = constants(read_model(source, source.stem), map(_bit, untouched))
        for point in untouched:
            value = values.get(_bit(point))
            if value is None:
                missed.append(point)
            else:
                wire, bit = _bit(point)
                constant.append(f"{wire}[{bit}] is {value}")
    return Toggles(source.stem, len(points), tuple(dict.fromkeys(constant)), tuple(missed))


def constants(model: Model, bits: Iterable[tuple[str, int] | None]) -> dict[tuple[str, int], int]:
    """Return those of the bits, (wire, number), that never change, and the value that they have.

    Each by induction: it has the value after a reset, and if it and the registers among the others
    have theirs, also in the next clock, whatever the inputs are.
    """
    values = {}
    for bit in dict.fromkeys(filter(None, bits)):
        for value in (0, 1):
            start = unrolled(model, [{}], model.cleared)
            if _is_impossible(start, _differs(model, bit, value, "s0")):
                values[bit] = value
    while True:
        kept = all_of(f"(not {_differs(model, *item, 's0')})" for item in values.items())
        step = [*unrolled(model, [{}, {}]), f"(assert {kept})"]
        proved = {
            bit: value
            for bit, value in values.items()
            if _is_impossible(step, _differs(model, bit, value, "s1"))
        }
        if len(proved) == len(values):
            return values
        values = proved


def _is_impossible(lines: list[str], term: str) -> bool:
    return solve("\n".join([*lines, f"(assert {term})"]), LIMIT).sat is False


def _differs(model: Model, bit: tuple[str, int], value: int, state: str) -> str:
    wire, number = bit
    return f"(distinct ((_ extract {number} {number}) {model.wire(wire, state)}) #b{value})"


def _bit(point: str) -> tuple[str, int] | None:
    """Return the wire and the bit of a toggle; None for a branch."""
    match = _TOGGLE.search(point)
    return match and (match[1], int(match[2] or 0))


if __name__ == "__main__":
    supervise("proof.toggles", lambda: run(main, "proof.toggles"))
