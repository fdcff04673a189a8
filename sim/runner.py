"""Builds and runs one design in one simulator, and reads what came of it."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from mbm_hw.hdl.designs import Design
from sim import vectors
from sim.checker import Vectors
from sim.cocotb_run import SimulationError, run_tests


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


def simulate(
    design: Design, source: Path, simulator: str, folder: Path, waves: bool = False, seed: int = 0
) -> Simulation:
    """Simulate the Verilog file `source`, whose module is design.name, against the reference.

    simulator : icarus or verilator; MissingTool if it is not there.
    folder : for the build, the logs and the waves; emptied first.
    seed : of the sampled operands, the stalls and the resets.
    SimulationError if the file does not compile or the simulator stops early.
    """
    start = time.perf_counter()
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spec = design.spec
    a, b = vectors.operand_pairs(spec, seed)
    Vectors(
        design=design.name,
        pipeline=design.pipeline,
        width=spec.width,
        signed=spec.signed,
        seed=seed,
        a=vectors.patterns(a, spec.width),
        b=vectors.patterns(b, spec.width),
        expected=vectors.expected_patterns(spec, a, b),
    ).write(folder)
    module = "sim.pipeline_tests" if design.pipeline else "sim.multiplier_tests"
    results = run_tests(design.name, source.resolve(), module, simulator, folder, waves)
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
