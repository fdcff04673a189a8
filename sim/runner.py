"""Builds and runs one design in one simulator, and reads what came of it."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from mbm_hw.hdl.designs import Design
from sim import simulators, vectors
from sim.checker import Vectors
from sim.vectors import Inputs


@dataclass(frozen=True)
class Simulation:
    """What came of one design in one simulator.

    vectors : products checked. mismatches : how many of them were wrong.
    seconds : to build and run.
    messages : the first mismatches, "design: a * b is X, expected Y".
    """

    design: str
    simulator: str
    vectors: int
    mismatches: int
    seconds: float
    messages: tuple[str, ...]


class SimulationError(Exception):
    """A simulation that could not be built, or did not come to its end."""


def simulate(
    design: Design, source: Path, simulator: str, folder: Path, waves: bool = False, seed: int = 0
) -> Simulation:
    """Simulate the Verilog file `source`, whose module is design.name, against the reference.

    simulator : icarus or verilator; MissingTool if it is not there.
    folder : for the build, the logs and the waves; emptied first.
    seed : of the sampled operands, the stalls and the resets.
    SimulationError if the file does not compile or the simulator stops early.
    """
    module = "sim.pipeline_tests" if design.pipeline else "sim.multiplier_tests"
    pairs = vectors.operand_pairs(design.spec, seed)
    given = _vectors(design, *pairs, seed=seed)
    return _simulation(design, source, simulator, folder, module, given, waves)


def replay(
    design: Design, source: Path, simulator: str, folder: Path, trace: Sequence[Inputs]
) -> Simulation:
    """Simulate the Verilog file `source` with the inputs of a trace, and nothing else.

    trace : after a reset, a rising clock edge after each but the last: with that one still to come,
        the product is checked once more. A combinational design has one element and no clock.
    The rest as for `simulate`.
    """
    module = "sim.replay_tests" if design.pipeline else "sim.multiplier_tests"
    a, b = (vectors.values([getattr(i, x) for i in trace], design.spec) for x in "ab")
    given = _vectors(design, a, b, rst=[i.rst for i in trace], en=[i.en for i in trace])
    return _simulation(design, source, simulator, folder, module, given)


def _vectors(design, a, b, **rest) -> Vectors:
    spec = design.spec
    return Vectors(
        design=design.name,
        pipeline=design.pipeline,
        width=spec.width,
        signed=spec.signed,
        a=vectors.patterns(a, spec.width),
        b=vectors.patterns(b, spec.width),
        expected=vectors.expected_patterns(spec, a, b),
        **rest,
    )


def _simulation(
    design, source, simulator, folder, module, given: Vectors, waves: bool = False
) -> Simulation:
    start = time.perf_counter()
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given.write(folder)
    results = _run(design, source.resolve(), simulator, folder, module, waves)
    outcomes = [json.loads(line) for line in (folder / "outcome.jsonl").read_text().splitlines()]
    tests, failures = results
    wrong = [outcome for outcome in outcomes if outcome["mismatches"]]
    if not tests or len(outcomes) != tests or len(wrong) != failures:
        raise SimulationError(
            f"{design.name}: a test went wrong in {simulator}; see {folder}/run.log"
        )
    return Simulation(
        design=design.name,
        simulator=simulator,
        vectors=sum(outcome["products"] for outcome in outcomes),
        mismatches=sum(outcome["mismatches"] for outcome in outcomes),
        seconds=time.perf_counter() - start,
        messages=tuple(message for outcome in outcomes for message in outcome["messages"]),
    )


def _run(design, source, simulator, folder, module, waves) -> tuple[int, int]:
    """Build and run; return the number of tests and of failures that cocotb reports."""
    with simulators.environment(simulator), simulators.prebuilt(simulator, folder, waves):
        runner = get_runner(simulator)
        try:
            runner.build(
                sources=[source],
                hdl_toplevel=design.name,
                build_dir=folder,
                # Warnings are for tests/test_rtl_lint.py; a planted fault may well raise one.
                build_args=["-Wno-fatal"] if simulator == "verilator" else [],
                timescale=("1ns", "1ps"),
                waves=waves,
                always=True,
                log_file=folder / "build.log",
            )
        except RuntimeError:
            raise SimulationError(f"{source} does not build; see {folder}/build.log") from None
        try:
            results = runner.test(
                test_module=module,
                hdl_toplevel=design.name,
                build_dir=folder,
                test_dir=folder,
                results_xml=str(folder / "results.xml"),
                waves=waves,
                extra_env={"SIM_FOLDER": str(folder)},
                log_file=folder / "run.log",
            )
            return get_results(results)
        except (RuntimeError, SystemExit):
            raise SimulationError(f"{source} did not run; see {folder}/run.log") from None
