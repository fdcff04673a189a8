"""The programs and the cell library that a price needs: where they are, and how they are run.

`mbm_hw.cost.install` brings those that pip does not.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

PRIVATE = Path("build") / "cost"  # what `install` unpacks, in the working folder
OSU018 = PRIVATE / "usr" / "share" / "qflow" / "tech" / "osu018" / "osu018_stdcells.lib"
_INSTALL = "run `python -m mbm_hw.cost.install`"
_COMPILING, _COMPILED = threading.Lock(), set()  # packages whose program has compiled itself


class MissingTool(OSError):
    """A program or a file is not on this machine; the message says how to get it."""


class ToolError(OSError):
    """A program failed; the message names it and holds what it calls an error."""


def default_liberty() -> Path:
    """Return OSU's 180 nm library, as Debian's qflow-tech-osu018 has it; MissingTool without."""
    for root in (Path("/"), PRIVATE):
        path = root / OSU018.relative_to(PRIVATE)
        if path.exists():
            return path
    raise MissingTool(f"no cell library: {_INSTALL}, or name one with --liberty")


def opensta() -> list[str]:
    """Return the command that runs OpenSTA; MissingTool without it."""
    found = shutil.which("sta") or shutil.which(PRIVATE / "bin" / "sta")
    if found is None:
        raise MissingTool(f"OpenSTA is not installed: {_INSTALL}, or `apt install opensta`")
    return [str(Path(found).resolve()), "-no_splash", "-exit"]


def opensta_version() -> str:
    return run([opensta()[0], "-version"], Path.cwd()).strip()


def wasm_version(package: str) -> str:
    """Return the version of one of YoWASP's packages; MissingTool if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise MissingTool(f"{package} is not installed: `pip install 'mbm-hw[synth]'`") from None


def run_wasm(package: str, function: str, arguments: list[str], folder: Path) -> None:
    """Run a program of YoWASP's in a process of its own, in `folder`, the only one that it sees.

    On a machine's first run the program compiles itself, for most of a minute and on all
    processors; other threads wait for that.
    """
    wasm_version(package)
    module = package.replace("-", "_")
    code = f"import sys, {module}; sys.exit({module}.{function}(sys.argv[1:]))"
    command = [sys.executable, "-c", code]
    with _COMPILING:
        if package not in _COMPILED:
            run([*command, "--version"], folder, package)
            _COMPILED.add(package)
    run([*command, *arguments], folder, package)


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads, one for each processor; on leaving, work that waits is dropped."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def run(command: list[str], folder: Path, name: str | None = None) -> str:
    """Run a program, for people `name`, in `folder` and return what it prints.

    ToolError if it fails.
    """
    environment = os.environ | {"LC_ALL": "C", "TMPDIR": str(folder)}  # it goes with the folder
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        log = folder / "log.txt"
        if log.exists():
            lines += log.read_text().strip().splitlines()
        errors = [line for line in lines if "error:" in line.lower()] or lines
        message = (errors or [f"exit status {done.returncode}"])[-1]
        raise ToolError(f"{name or Path(command[0]).name}: {message}")
    return done.stdout
