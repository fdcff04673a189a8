"""Builds a Verilog file in a simulator and runs the cocotb tests of a module on it."""

from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from sim import simulators


class SimulationError(Exception):
    """A simulation that could not be built, or did not come to its end."""


def run_tests(
    toplevel: str, source: Path, test_module: str, simulator: str, folder: Path, waves: bool = False
) -> tuple[int, int]:
    """Return the number of tests and of failures that cocotb reports.

    toplevel : the module to simulate, of the Verilog file `source`.
    test_module : the Python module of the cocotb tests; it finds `folder` in SIM_FOLDER.
    simulator : icarus or verilator; MissingTool if it is not there.
    folder : for the build, the logs and the waves; it exists.
    SimulationError if the file does not compile or the simulator stops early.
    """
    with simulators.environment(simulator), simulators.prebuilt(simulator, folder, waves):
        runner = get_runner(simulator)
        try:
            runner.build(
                sources=[source],
                hdl_toplevel=toplevel,
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
                test_module=test_module,
                hdl_toplevel=toplevel,
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
