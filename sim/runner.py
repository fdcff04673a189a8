"""Builds and runs one design in one simulator, and reads what came of it."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mbm_hw.hdl.designs import Design
from mbm_hw.spec import Spec, Table
from sim import coverage, vectors
from sim.checker import Vectors
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


def simulate(
    design: Design,
    source: Path,
    simulator: str,
    folder: Path,
    waves: bool = False,
    seed: int = 0,
    limit: int | None = None,
    is_covered: bool = False,
    trace: Sequence[Mapping[str, int]] | None = None,
) -> Simulation:
    """Simulate the Verilog file `source`, whose module is design.name, against the reference.

    simulator : icarus or verilator; MissingTool if it is not there.
    folder : for the build, the logs and the waves; emptied first.
    seed : of the sampled operands, the stalls and the resets.
    limit : at most so many pairs of operands, drawn from all of them.
    is_covered : whether Verilator counts the branches and toggles too.
    trace : inputs by port, to be replayed and nothing else. After a reset, a rising edge of clk
        after each but the last: with that one still to come, the product is checked once more.
    SimulationError if the file does not compile or the simulator stops early.
    """
    start = time.perf_counter()
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if trace is None:
        a, b = _operands(design.spec, seed, limit)
        _vectors(design, seed, a, b).write(folder)
    else:
        a, b = (vectors.values([inputs[x] for inputs in trace], design.spec) for x in "ab")
        _vectors(design, seed, a, b, trace).write(folder)
    for memory in source.parent.glob("*.hex"):
        shutil.copy(memory, folder)
    module = _test_module(design, trace is not None)
    results = run_tests(
        design.name, source.resolve(), module, simulator, folder, waves, is_covered=is_covered
    )
    points = read_points(folder / "coverage.dat") if is_covered else {}
    outcomes = [json.loads(line) for line in (folder / "outcome.jsonl").read_text().splitlines()]
    tests, failures = results
    wrong = [outcome for outcome in outcomes if outcome["mismatches"]]
    if not tests or len(outcomes) != tests or len(wrong) != failures:
        raise SimulationError(
            f"{design.name}: a test went wrong in {simulator}; see {folder}/run.log"
        )
    bins = coverage.protocol(design)
    missed = bins.difference(*(outcome["bins"] for outcome in outcomes))
    if not isinstance(design.spec, Table):
        reachable = coverage.reachable(design.spec)
        bins |= reachable
        missed |= reachable.difference(coverage.covered(design.spec, a, b))
    return Simulation(
        design=design.name,
        simulator=simulator,
        vectors=sum(outcome["products"] for outcome in outcomes),
        mismatches=sum(outcome["mismatches"] for outcome in outcomes),
        seconds=time.perf_counter() - start,
        messages=tuple(message for outcome in outcomes for message in outcome["messages"]),
        seed=seed,
        bins=len(bins),
        missed=tuple(sorted(missed)),
        points=len(points),
        untouched=tuple(name for name, count in points.items() if not count),
    )


def _operands(spec: Spec, seed: int, limit: int | None):
    a, b = vectors.operand_pairs(spec, seed)
    if limit is None or limit >= len(a):
        return a, b
    drawn = np.random.default_rng(seed).choice(len(a), limit, replace=False)
    return a[drawn], b[drawn]


def _vectors(
    design: Design,
    seed: int,
    a: np.ndarray,
    b: np.ndarray,
    trace: Sequence[Mapping[str, int]] = (),
) -> Vectors:
    spec = design.spec
    (cleared,) = vectors.expected_patterns(spec, np.array([0]), np.array([0]))
    return Vectors(
        design=design.name,
        pipeline=design.pipeline,
        width=spec.width,
        product_width=spec.product_width,
        notation=vectors.notation(spec),
        cleared=cleared,
        seed=seed,
        a=vectors.patterns(a, spec.width),
        b=vectors.patterns(b, spec.width),
        expected=vectors.expected_patterns(spec, a, b),
        controls=[{port: i[port] for port in i.keys() - {"a", "b"}} for i in trace],
    )


def _test_module(design: Design, is_replay: bool) -> str:
    if design.stream:
        return "sim.stream_replay_tests" if is_replay else "sim.stream_tests"
    if design.pipeline:
        return "sim.replay_tests" if is_replay else "sim.pipeline_tests"
    return "sim.multiplier_tests"
