"""Builds and runs one design in one simulator, and reads what came of it."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Spec
from sim import coverage, vectors
from sim.checker import Vectors
from sim.simulation import Simulation, emptied, run_design


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
    folder = emptied(folder)
    if trace is None:
        a, b = _operands(design.spec, seed, limit)
        _vectors(design, seed, a, b).write(folder)
    else:
        a, b = (vectors.values([inputs[x] for inputs in trace], design.spec) for x in "ab")
        _vectors(design, seed, a, b, trace).write(folder)
    for memory in source.parent.glob("*.hex"):
        shutil.copy(memory, folder)
    bins = coverage.protocol(design) | coverage.reachable(design.spec)
    hit = coverage.covered(design.spec, a, b).keys()
    module = _test_module(design, trace is not None)
    return run_design(
        design.name, source, module, simulator, folder, waves, seed, is_covered, bins, hit
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
