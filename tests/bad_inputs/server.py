"""Tries cases in forked children of one process that has imported everything.

Importing torch takes seconds; a fork takes 20 milliseconds. It is safe as long as the parent has
one thread: the environment below keeps OpenMP and OpenBLAS from starting others.
"""

import ctypes
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import numpy as np
import psutil
import torch

import mbm_hw
import mbm_hw.cli
import mbm_hw.cost.report
import mbm_hw.hdl
import mbm_hw.studies.algorithms
import mbm_hw.studies.cluster
import mbm_hw.studies.pictures
import mbm_hw.studies.results
import mbm_hw.studies.run
import mbm_hw.studies.shards
import proof.command
import proof.proving
import sim.layers
import sim.regression
from mbm_hw import nn, ops
from mbm_hw.cost.cache import Cache, content_hash
from mbm_hw.cost.liberty import read_liberty
from mbm_hw.multipliers.table_files import read_table, write_table
from mbm_hw.studies.checkpoints import open_checkpoint, read_checkpoint
from mbm_hw.studies.data import load_data, split_digits
from mbm_hw.studies.description import read_study
from mbm_hw.studies.networks import load_network
from mbm_hw.studies.report import write_report
from mbm_hw.studies.store import Store

from .case import Case, write_files
from .verdict import Outcome, broken_promises, snapshot

NOBODY = 65534
WALL_SECONDS = 60
"""A process that waits, and takes no time of the processor, is killed after these."""

_FUNCTIONS = (
    *(Cache, content_hash, read_liberty, read_table, write_table, read_study, write_report),
    *(read_checkpoint, open_checkpoint, Store, load_data, load_network),
)
NAMESPACE = {"mh": mbm_hw, "nn": nn, "ops": ops, "np": np, "torch": torch, "Path": Path} | {
    function.__name__: function for function in _FUNCTIONS
}
"""The names that the calls of cases may use."""

PROGRAMS = {
    "mbm-hw": lambda: mbm_hw.cli.main(sys.argv[1:]),
    "sim": lambda: sys.exit(sim.regression.main()),
    "sim.layer": lambda: sys.exit(sim.layers.main()),
    "proof": lambda: proof.command.run(proof.proving.main, "proof"),
}
"""The programs that `mbm_hw.system.supervision` runs in its child."""


def prepare() -> None:
    """Do once what every child would do."""
    split_digits()
    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads is not forked"
    gc.freeze()


def attempt(case: Case) -> Outcome:
    """Try a case in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="bad input ") as top:
        folder = Path(top, "work")
        folder.mkdir()
        write_files(case.files, folder)
        if case.as_nobody:
            os.chmod(top, 0o755)
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        before = snapshot(folder)
        start = time.monotonic()
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            _child(case, Path(top), folder)
        _, status, usage = os.wait4(pid, 0)
        _end_group(pid)
        seconds = time.monotonic() - start
        out, err = (
            Path(top, name).read_bytes().decode(errors="backslashreplace")
            for name in ("out", "err")
        )
        broken = broken_promises(case, status, out, err, before, snapshot(folder))
        cpu = usage.ru_utime + usage.ru_stime
    return Outcome(case.name, broken, seconds, cpu, err.strip()[-300:])


def _child(case: Case, top: Path, folder: Path) -> NoReturn:
    """Run the case; leave with its status."""
    status = 70
    try:
        os.setsid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with the server
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(WALL_SECONDS)
        for descriptor, name in ((0, os.devnull), (1, top / "out"), (2, top / "err")):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666), descriptor)
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CPU, (case.seconds, case.seconds + 1))
        most = psutil.Process().memory_info().vms + int(case.gibibytes * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (case.file_bytes, case.file_bytes))
        if case.as_nobody:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        sys.argv = [case.program, *case.command]
        for descriptor in case.closed:
            os.close(descriptor)
            setattr(sys, {1: "stdout", 2: "stderr"}[descriptor], None)
        status = _status(case)
    finally:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            try:
                stream.flush()
            except OSError:
                status = 120  # as Python's own end has it
        os._exit(status)


def _status(case: Case) -> int:
    """Run the case; return the status that its process would leave with."""
    try:
        if case.command or not case.call:
            PROGRAMS[case.program]()
        else:
            _call(case)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _call(case: Case) -> None:
    """Run a call; print what it raises, if it may, as a command prints it."""
    try:
        exec(case.call, dict(NAMESPACE))
    except case.raises as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def serve() -> None:
    """Read requests, a line of JSON each, from stdin; answer each by a line of outcomes."""
    from .areas import cases_of

    prepare()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        outcomes = [attempt(case)._asdict() for case in cases_of(**request)]
        print(json.dumps(outcomes), file=answers, flush=True)
