"""Co-simulation of the convolution engine: layers in, outputs and clocks back."""

import json
import os
import pickle
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mbm_hw.hdl.engine.driver import Words
from mbm_hw.hdl.engine.engine_verilog import PORTS
from sim.cocotb_run import SimulationError, run_tests


@dataclass(frozen=True)
class Flow:
    """What goes through the engine in one run.

    stalls : the probability that, at a clock, a stream that could move is held back: 0 for none.
    """

    words: Words
    stalls: float
    seed: int

    @property
    def clock_limit(self) -> int:
        """The clocks after which the engine is believed to hang."""
        return 4 * self.words.clocks + 1000


@dataclass(frozen=True)
class Run:
    """What came of a flow: the results' words, and the clocks that it took, and its CPU time."""

    results: list[int]
    clocks: int
    seconds: float


def read_flows() -> list[Flow]:
    """Return what `simulate_engine` wrote for this simulation."""
    return pickle.loads((Path(os.environ["SIM_FOLDER"]) / "flows.pickle").read_bytes())


def simulate_engine(
    name: str,
    source: Path,
    flows: Sequence[Flow],
    simulator: str,
    folder: Path,
    waves: bool = False,
) -> list[Run]:
    """Simulate the engine of the Verilog file `source`, the module `name`; return a run a flow.

    simulator : icarus or verilator; MissingTool if it is not there. folder : for the build,
        the logs and the waves; emptied first. A run that hangs has fewer results than it should,
        and a result with unknown bits is -1.
    SimulationError if the file does not compile or the simulator stops early.
    """
    folder = folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "flows.pickle").write_bytes(pickle.dumps(list(flows)))
    source, module = source.resolve(), "sim.engine_tests"
    tests, failures = run_tests(name, source, module, simulator, folder, waves, ports=PORTS)
    if (tests, failures) != (1, 0):
        raise SimulationError(f"{name}: the test bench went wrong; see {folder}/run.log")
    lines = (folder / "runs.jsonl").read_text().splitlines()
    return [Run(**json.loads(line)) for line in lines]
