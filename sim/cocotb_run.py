"""Builds a Verilog file in a simulator and runs the cocotb tests of a module on it."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Icarus, Runner, Verilator

from sim import simulators
from sim.code_coverage import BUILD_ARGUMENTS


class SimulationError(Exception):
    """A simulation that could not be built, or did not come to its end."""


class BuiltInPlace(Runner):
    """A runner that names files as they are seen from the build folder, where it builds.

    The folder's own name may have quotes or spaces, at which simulators and make stumble.
    """

    def _build_command(self):
        return [
            [self._from_build_dir(word) for word in command] for command in super()._build_command()
        ]

    def _from_build_dir(self, word):
        is_inside = self.build_dir in (Path(word), Path(word).parent)
        return os.path.relpath(word, self.build_dir) if is_inside else word


class IcarusInPlace(BuiltInPlace, Icarus):
    pass


class VerilatorInPlace(BuiltInPlace, Verilator):
    pass


class PortsOnly(VerilatorInPlace):
    """Verilator without cocotb's option that keeps every signal for VPI, so nothing is optimised.

    What tests may look at is named in a control file instead: see `run_tests`.
    """

    def _build_command(self):
        verilate, *rest = super()._build_command()
        return [[word for word in verilate if word != "--public-flat-rw"], *rest]


_RUNNERS = {"icarus": IcarusInPlace, "verilator": VerilatorInPlace}


def run_tests(
    toplevel: str,
    source: Path,
    test_module: str,
    simulator: str,
    folder: Path,
    waves: bool = False,
    ports: Sequence[str] = (),
    is_covered: bool = False,
) -> tuple[int, int]:
    """Return the number of tests and of failures that cocotb reports.

    toplevel : the module to simulate, of the Verilog file `source`.
    test_module : the Python module of the cocotb tests; it finds `folder` in SIM_FOLDER.
    simulator : icarus or verilator; MissingTool if it is not there, or cannot work in `folder`.
    folder : for the build, the logs and the waves; it exists.
    ports : of the module, if its tests look at nothing else. Verilator then optimises the rest,
        which takes longer to compile and far less to simulate.
    is_covered : whether Verilator counts the branches and toggles, in coverage.dat.
    SimulationError if the file does not compile or the simulator stops early.
    """
    simulators.check_folder(simulator, folder)
    copy = folder / source.name  # of any folder: its own may have a name that simulators misread
    if copy != source:
        shutil.copyfile(source, copy)
    environment = simulators.environment(simulator, optimise=bool(ports))
    variant = ["waves"] * waves + ["coverage"] * is_covered
    # Warnings are for tests/test_rtl_lint.py; a planted fault may well raise one.
    arguments = ["-Wno-fatal"] if simulator == "verilator" else []
    arguments += BUILD_ARGUMENTS if is_covered else ()
    with environment, simulators.prebuilt(simulator, folder, *variant):
        runner, sources = _RUNNERS[simulator](), [copy]
        if simulator == "verilator" and ports:
            runner, control = PortsOnly(), folder / "ports.vlt"
            lines = (f'public_flat_rw -module "{toplevel}" -var "{port}"\n' for port in ports)
            control.write_text("`verilator_config\n" + "".join(lines))
            sources = [control, copy]
        try:
            runner.build(
                sources=sources,
                hdl_toplevel=toplevel,
                build_dir=folder,
                build_args=arguments,
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
