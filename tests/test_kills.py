"""Long commands that are interrupted or killed; `python tests/kills.py` has many more of it."""

import random
import signal

import pytest
from kills import JOBS, Undisturbed, disturbed, hit_once, prepare, undisturbed

SEED = 1
CTRL_C, TERM, KILL = (signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGKILL, False)


@pytest.mark.parametrize(
    "trials",
    [
        {"study": [CTRL_C], "shards": [TERM]},
        {"cost": [CTRL_C, KILL]},
        {"prove": [CTRL_C, KILL]},
        {"sim": [TERM, KILL], "make sim": [KILL, CTRL_C]},
    ],
    ids=" ".join,
)
def test_commands_that_are_killed_keep_their_promises(tmp_path, trials):
    """Commands of one row come to the same result."""
    random_ = random.Random(SEED)
    wanted = undisturbed(JOBS[next(iter(trials))], tmp_path / "undisturbed")
    for name, hits in trials.items():
        job, folder = JOBS[name], tmp_path / f"""the "{name}" $x"""
        seconds = wanted.seconds * len(job.steps)
        victims = [random_.randrange(len(job.steps)) for _ in hits]
        came = disturbed(job, folder, Undisturbed(wanted.result, seconds), victims, hits, random_)
        # A second hit may find too little left to do: what the first run finished is kept.
        assert any(hit.seconds is not None for hit in came), name


@pytest.mark.parametrize("moment", [5.0, 12.0])
def test_workers_end_with_a_study_that_is_killed(tmp_path, moment):
    prepare(tmp_path / "f")
    (command,) = JOBS["workers"].commands(tmp_path / "f")
    hit_once(JOBS["workers"], command, *KILL, moment)
