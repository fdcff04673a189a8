"""python tests/kills.py --kills 100 --seed 1: interrupt and kill long commands at random moments.

Each time, the command must end within 3 seconds, with the right status and one line, and leave no
process. Run once more, to its end, it must come to the result of a run that nobody disturbed, and
leave no temporary file. Exit status 1 if a promise was broken. `tests/test_kills.py` is a short
version.
"""

import argparse
import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate
from tiny_study import CASES, tiny_study_file

from mbm_hw.studies.batch import MEASURED
from mbm_hw.studies.store import Store

ROOT = Path(__file__).parent.parent
LONGEST = 3.0
"""Seconds that a command may take to end."""
STARTING = 0.7  # seconds of Python's own beginning, which answers signals in its own way
IMAGES = 8
KEPT = "what was finished is kept"
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
HITS = (
    (signal.SIGINT, True),
    (signal.SIGINT, False),
    (signal.SIGTERM, True),
    (signal.SIGTERM, False),
    (signal.SIGKILL, False),
)
"""The signal to send; and True to send it to the whole process group, as a terminal does."""
USUAL = re.compile(
    r"\d%\||^\s*$|: tables, .* are in |: shard .* is done|: needs at least .* of memory"
    "|changed nothing: the weights"
)
"""Lines of an undisturbed command: its progress, the place of its results, and notes."""
MAKEFILE = """
SHELL := /bin/bash
.PHONY: sim
sim:
\t"$$PYTHON" -m sim --spec mbm4s --results "$$FOLDER"
"""


class BrokenPromise(Exception):
    """The broken promises of a command."""


@dataclass(frozen=True)
class Job:
    """name : in its messages. steps : what is run in turn; {f} is the folder for all files.

    result : reads from that folder what it came to, without what differs from run to run.
    """

    name: str
    steps: tuple[str, ...]
    result: Callable[[Path], object]

    def commands(self, folder: Path) -> list[list[str]]:
        programs = {"python": sys.executable}
        return [
            [programs.get(word, word).format(f=folder) for word in step.split()]
            for step in self.steps
        ]


def study_result(folder: Path):
    rows = json.loads((folder / "tiny/rows.json").read_text())
    with closing(Store(folder / "tiny/study.sqlite")) as store:
        if not len(store) == len(rows) == CASES * IMAGES:
            raise BrokenPromise(f"{len(store)} rows in the store, {len(rows)} in rows.json")
    return [{key: value for key, value in row.items() if key not in MEASURED} for row in rows]


def cost_result(folder: Path):
    return (folder / "cost/cost.csv").read_text()


def proof_result(folder: Path):
    (outcome,) = json.loads((folder / "mbm4s.json").read_text())
    return outcome["name"], outcome["proof"]["results"], outcome["difference"]


def simulation_result(folder: Path):
    with open(folder / "results.csv", newline="") as file:
        return [row | {"seconds": None} for row in csv.DictReader(file)]


STUDY = "python -m mbm_hw study run {f}/tiny.yaml --results {f}"
MERGE = "python -m mbm_hw study merge {f}/tiny.yaml {f}/tiny/shard1of2.sqlite"
JOBS = {
    "study": Job("mbm-hw", (STUDY,), study_result),
    "workers": Job("mbm-hw", (f"{STUDY} --workers 2",), study_result),
    "shards": Job(
        "mbm-hw",
        (
            f"{STUDY} --shard 1/2",
            f"{STUDY} --shard 2/2",
            f"{MERGE} {{f}}/tiny/shard2of2.sqlite --results {{f}}",
        ),
        study_result,
    ),
    "cost": Job(
        "mbm-hw", ("python -m mbm_hw cost mbm4 --cache {f}/cache -o {f}/cost",), cost_result
    ),
    "prove": Job("proof", ("python -m proof --spec mbm4s --results {f}",), proof_result),
    "sim": Job("sim", ("python -m sim --spec mbm4s --results {f}",), simulation_result),
    "make sim": Job("sim", ("env FOLDER={f} make -f {f}/Makefile",), simulation_result),
}


@dataclass(frozen=True)
class Undisturbed:
    """result : of a job that nobody disturbed. seconds : of each of its steps."""

    result: object
    seconds: list[float]


@dataclass(frozen=True)
class Hit:
    """A signal that a command got, and the seconds until it had ended; None: it had before."""

    number: signal.Signals
    seconds: float | None


def undisturbed(job: Job, folder: Path) -> Undisturbed:
    """Run a job in `folder`, which is made for it."""
    prepare(folder)
    seconds = []
    for command in job.commands(folder):
        start = time.monotonic()
        finish(command)
        seconds.append(time.monotonic() - start)
    return Undisturbed(job.result(folder), seconds)


def disturbed(job: Job, folder: Path, wanted: Undisturbed, victims, hits, random_) -> list[Hit]:
    """Run a job in `folder`, and disturb it; return what came of each hit.

    victims, hits : for each disturbance the step that it meets, and which of HITS it is.
    BrokenPromise if anything is not as it should be.
    """
    prepare(folder)
    came = []
    for step, command in enumerate(job.commands(folder)):
        for victim, (number, is_group) in zip(victims, hits, strict=True):
            if victim != step:
                continue
            moment = random_.uniform(STARTING, wanted.seconds[step])
            hit = hit_once(job, command, number, is_group, moment)
            while hit.seconds is None and moment > STARTING:  # it was faster this time
                moment = max(moment / 2, STARTING)
                hit = hit_once(job, command, number, is_group, moment)
            came.append(hit)
        finish(command)
    if job.result(folder) != wanted.result:
        raise BrokenPromise(f"the result is {job.result(folder)}, not {wanted.result}")
    pattern = re.compile(r"\..*\.[0-9a-f]{32}")
    if left := [path for path in folder.rglob("*") if pattern.fullmatch(path.name)]:
        raise BrokenPromise(f"a temporary file is left: {left[0]}")
    return came


def hit_once(job: Job, command: list[str], number, is_group: bool, moment: float) -> Hit:
    """Start a command in a session of its own, send it a signal after `moment` seconds."""
    marker = uuid.uuid4().hex
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHON": sys.executable, "KILLS": marker},
            stdout=subprocess.DEVNULL,
            stderr=printed,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
            return Hit(number, None)
        start = time.monotonic()
        (os.killpg if is_group else os.kill)(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10 * LONGEST)
        seconds = time.monotonic() - start
        is_clean_end = number != signal.SIGKILL and "make" not in command
        while (left := living(marker)) and not is_clean_end and seconds < LONGEST / 2:
            time.sleep(0.05)
            seconds = time.monotonic() - start
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        printed.seek(0)
        text = printed.read()
    if process.returncode == 0 and KEPT not in text:
        return Hit(number, None)
    what = f"{number.name} to {'its group' if is_group else 'it alone'} after {moment:.2f} s: "
    what += f"{' '.join(command)}: "
    if left:
        raise BrokenPromise(f"{what}{len(left)} processes are left, {list(left.values())}")
    if seconds > LONGEST:
        raise BrokenPromise(f"{what}it takes {seconds:.1f} s")
    if "Traceback" in text:
        raise BrokenPromise(f"{what}a traceback: {text}")
    if is_clean_end:
        lines = [line for line in re.split(r"[\r\n]+", text) if not USUAL.search(line)]
        if lines != [f"{job.name}: {WORDS[number]}; {KEPT}"]:
            raise BrokenPromise(f"{what}it says {lines}")
        if process.returncode != 128 + number:
            raise BrokenPromise(f"{what}its status is {process.returncode}")
    return Hit(number, seconds)


def living(marker: str) -> dict[int, str]:
    """Return the processes, but zombies, that have a marker in their environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"KILLS={marker}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")[:80]
        except OSError:  # it is gone, or another user's
            pass
    return found


def prepare(folder: Path) -> None:
    folder.mkdir(parents=True)
    tiny_study_file(folder, IMAGES)
    (folder / "Makefile").write_text(MAKEFILE)


def finish(command: list[str]) -> None:
    """Run a command to its end, which must be a good one."""
    environment = os.environ | {"PYTHON": sys.executable}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise BrokenPromise(f"{' '.join(command)}: status {ran.returncode}: {ran.stderr[-500:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of all jobs together (100)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--job", choices=JOBS, nargs="+", default=list(JOBS))
    arguments = parser.parse_args()
    random_ = random.Random(arguments.seed)
    start, came, broken = time.monotonic(), {name: [] for name in arguments.job}, 0
    with tempfile.TemporaryDirectory() as top:
        wanted = {name: undisturbed(JOBS[name], Path(top, name)) for name in arguments.job}
        while sum(map(len, came.values())) < arguments.kills:
            name = min(came, key=lambda name: len(came[name]))
            job, folder = JOBS[name], Path(top, f"""{name} "$x" {len(came[name])}""")
            count = random_.randint(1, 4)
            victims = [random_.randrange(len(job.steps)) for _ in range(count)]
            hits = [random_.choice(HITS) for _ in range(count)]
            try:
                came[name] += disturbed(job, folder, wanted[name], victims, hits, random_)
            except BrokenPromise as error:
                broken += 1
                came[name].append(Hit(hits[0][0], None))
                print(f"{name}: {error}", file=sys.stderr, flush=True)
    rows = [
        {"job": name, "kills": len(hits)}
        | {n.name: sum(hit.number == n for hit in hits) for n in (*WORDS, signal.SIGKILL)}
        | {"ended before": sum(hit.seconds is None for hit in hits)}
        | {"longest s": max((hit.seconds or 0 for hit in hits), default=0)}
        for name, hits in came.items()
    ]
    print(tabulate(rows, "keys", "github", floatfmt=".2f"))
    total = sum(map(len, came.values()))
    took = time.monotonic() - start
    print(f"{total} kills, seed {arguments.seed}, {took:.0f} s; {broken} broken promises")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
