"""Supervised programs and their ends; `tests/kills.py` has the real ones."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, subprocess, sys, time, weakref
from mbm_hw.system.supervision import supervise
class Thing: pass
def guarded():
    try:
        os.kill(os.getpid(), 15)
        time.sleep(30)
    except (Exception, SystemExit):
        print("a program's exit", file=sys.stderr)
def told():
    script = "import os, signal, sys, time; signal.signal(15, lambda *_: sys.exit('told'));"
    script += f"os.kill({{os.getppid()}}, 2); time.sleep(30)"
    child = subprocess.Popen([sys.executable, "-c", script])
    try:
        time.sleep(30)
    finally:
        child.wait(1)
def stubborn():
    while True:
        try:
            os.kill(os.getppid(), 2)
            time.sleep(30)
        except BaseException:
            pass
def program():
    thing = Thing()
    watch = weakref.ref(thing, lambda _: (os.kill(os.getpid(), 15), list(range(10**5)).sort()))
    {}
    time.sleep(30)
supervise("it", program)
"""


def hear_ctrl_c():
    """Hear SIGINT, which a shell's background ignores: supervised programs leave it so."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("watch = None; return 3", 3, ""),
        ("del thing", 143, "it: terminated; what was finished is kept\n"),
        ("guarded()", 143, "it: terminated; what was finished is kept\n"),
        ("os.kill(os.getppid(), 2)", 130, "it: interrupted; what was finished is kept\n"),
        ("told()", 130, "told\nit: interrupted; what was finished is kept\n"),
        ("stubborn()", 130, "\nit: interrupted; what was finished is kept\n"),
        ("os.kill(os.getppid(), 9)", -9, ""),
        ("os.kill(os.getpid(), 9)", 137, "\nit: killed by SIGKILL; what was finished is kept\n"),
    ],
)
def test_a_program_ends_with_a_status_and_at_most_one_line(body, status, said):
    """Its stderr ends when the last of its processes does."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body)],
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
        preexec_fn=hear_ctrl_c,
    )
    assert (ran.returncode, ran.stderr) == (status, said)


def test_a_program_of_make_ends_with_make():
    program = "os.kill(int(os.environ['MAKE']), 9)"
    make = subprocess.Popen(
        ["sh", "-c", 'MAKE=$$ "$0" -c "$1"; :', sys.executable, PROGRAM.format(program)],
        env=os.environ | {"MAKELEVEL": "1"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    said = make.communicate(timeout=20)[1]
    assert (make.returncode, said) == (-9, "it: terminated; what was finished is kept\n")
