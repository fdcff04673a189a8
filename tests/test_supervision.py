"""Supervised programs; `tests/kills.py` has the real ones."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, time, weakref
from mbm_hw.supervision import supervise
class Thing: pass
def guarded():
    try:
        os.kill(os.getpid(), 15)
        time.sleep(30)
    except (Exception, SystemExit):
        print("a program's exit", file=sys.stderr)
def program():
    thing = Thing()
    watch = weakref.ref(thing, lambda _: (os.kill(os.getpid(), 15), list(range(10**5)).sort()))
    {}
    time.sleep(30)
supervise("it", program)
"""


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("watch = None; return 3", 3, ""),
        ("del thing", 143, "it: terminated; what was finished is kept\n"),
        ("guarded()", 143, "it: terminated; what was finished is kept\n"),
        ("os.kill(os.getppid(), 2)", 130, "it: interrupted; what was finished is kept\n"),
        ("os.kill(os.getpid(), 9)", 137, "\nit: killed by SIGKILL; what was finished is kept\n"),
    ],
)
def test_a_program_ends_with_a_status_and_at_most_one_line(body, status, said):
    command = [sys.executable, "-c", PROGRAM.format(body)]
    ran = subprocess.run(
        command,
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
        # Not ignored, as it is in a shell's background: supervised programs leave it so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (ran.returncode, ran.stderr) == (status, said)
