"""The outcome of a case, compared with its promise."""

import fnmatch
import hashlib
import os
import re
import signal
import stat
from pathlib import Path
from typing import NamedTuple

from .case import Case, Promise

LONGEST = 300
NO_MEMORY = "not enough memory"
LEGAL = {
    Promise.REFUSED: (2,),
    Promise.WORKS: (0,),
    Promise.EITHER: (0, 2),
    Promise.REPORTED: (1,),
}
"""The statuses that a promise allows."""


class Outcome(NamedTuple):
    """The outcome of a case.

    broken : in words what was promised and is not so; empty if all of it is kept. seconds : until
    the process had ended. cpu : seconds of the processor. said : the end of its standard error.
    """

    name: str
    broken: list[str]
    seconds: float
    cpu: float
    said: str


def broken_promises(
    case: Case, status: int, out: str, err: str, before: dict[str, str], after: dict[str, str]
) -> list[str]:
    """Return in words what a case did not keep. status : as `os.wait4` has it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        slow = number in (signal.SIGALRM, signal.SIGXCPU)
        return ["it takes too long" if slow else f"it is killed by {signal.Signals(number).name}"]
    status = os.WEXITSTATUS(status)
    broken = []
    if "Traceback" in err:
        broken.append("a traceback")
    if NO_MEMORY in err:
        broken.append("it runs out of memory")
    if status not in LEGAL[case.promise]:
        broken.append(f"its status is {status}")
    if status == 2:
        broken += _faults_of_a_refusal(case, out, err)
    if case.promise == Promise.REPORTED and (err or case.says not in out):
        broken.append(f"it prints {out[-200:]!r}, on stderr {err!r}, without {case.says!r}")
    changed = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    if status != 0 or case.promise == Promise.WORKS:
        left = [n for n in changed if not any(fnmatch.fnmatch(n, glob) for glob in case.leaves)]
        broken += [f"it leaves {', '.join(left)}"] * bool(left)
    return broken


def _faults_of_a_refusal(case: Case, out: str, err: str) -> list[str]:
    broken = []
    lines = err.rstrip("\n").split("\n")
    *before, last = re.split(r"[\r\n]+", err.rstrip("\n"))
    if all(re.match(case.notes, line) for line in before):
        lines = [last]
    if case.says not in err:
        broken.append(f"it does not say {case.says!r}")
    if not case.command and case.call:
        return broken + ["an error without a message"] * (len(err.split(":", 1)[1].strip()) == 0)
    if out:
        broken.append(f"it prints {out[:60]!r}")
    if 2 not in case.closed:
        if len(lines) != 1 or not err.endswith("\n"):
            broken.append(f"it prints {len(lines)} lines, not one")
        if max(map(len, lines)) > LONGEST:
            broken.append(f"a line of {max(map(len, lines))} characters")
        if not all(line.isprintable() for line in lines):
            broken.append("a line that is not printable")
        name = {"mbm-hw": "mbm-hw", "proof": "proof"}.get(case.program, "sim")
        if not lines[-1].startswith(name):
            broken.append(f"its line does not begin with {name}")
    return broken


def snapshot(folder: Path) -> dict[str, str]:
    """Return what is in a folder: path -> a text that changes when the file does."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = ""
        if stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        found[str(path.relative_to(folder))] = f"{status.st_mode:o} {content}"
    return found
