"""What comes of one design in one simulator."""

import json
import shutil
import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from sim.cocotb_run import SimulationError, run_tests
from sim.code_coverage import read_points


@dataclass(frozen=True)
class Simulation:
    """What came of one design in one simulator.

    vectors : products checked. mismatches : how many of them were wrong.
    seconds : to build and run.
    messages : the first mismatches, "design: a * b is X, expected Y".
    bins : how many cases of the arithmetic and the protocol there are; see `coverage`.
    missed : those that were not exercised.
    points, untouched : branches and toggles of the Verilog, and those that did not happen; none
        unless asked for.
    """

    design: str
    simulator: str
    vectors: int
    mismatches: int
    seconds: float
    messages: tuple[str, ...]
    seed: int
    bins: int
    missed: tuple[str, ...]
    points: int
    untouched: tuple[str, ...]


def emptied(folder: Path) -> Path:
    """Return the absolute path of a folder that now exists and is empty."""
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def run_design(
    design: str,
    source: Path,
    test_module: str,
    simulator: str,
    folder: Path,
    waves: bool,
    seed: int,
    is_covered: bool,
    bins: Set[str],
    hit: Set[str],
) -> Simulation:
    """Run the tests of a design, each of which writes its account to outcome.jsonl.

    bins : what there is to exercise. hit : of it, what the operands do; the tests add the clocks'.
    The other parameters and the errors are those of `run_tests`.
    """
    start = time.perf_counter()
    tests, failures = run_tests(
        design, source.resolve(), test_module, simulator, folder, waves, is_covered=is_covered
    )
    points = read_points(folder / "coverage.dat") if is_covered else {}
    outcomes = [json.loads(line) for line in (folder / "outcome.jsonl").read_text().splitlines()]
    wrong = [outcome for outcome in outcomes if outcome["mismatches"]]
    if not tests or len(outcomes) != tests or len(wrong) != failures:
        raise SimulationError(f"{design}: a test went wrong in {simulator}; see {folder}/run.log")
    return Simulation(
        design=design,
        simulator=simulator,
        vectors=sum(outcome["checks"] for outcome in outcomes),
        mismatches=sum(outcome["mismatches"] for outcome in outcomes),
        seconds=time.perf_counter() - start,
        messages=tuple(message for outcome in outcomes for message in outcome["messages"]),
        seed=seed,
        bins=len(bins),
        missed=tuple(sorted(bins.difference(hit, *(outcome["bins"] for outcome in outcomes)))),
        points=len(points),
        untouched=tuple(name for name, count in points.items() if not count),
    )
