"""Long commands that are interrupted or killed; `python tests/kills.py` has many more of it."""

import random
import signal

import pytest
from kills import JOBS, Job, Undisturbed, disturbed, hit_once, prepare, proof_result, undisturbed

SEED = 1
CTRL_C, TERM, KILL = (signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGKILL, False)

PROOFS = Job("proof", ("python -m proof --sweep --results {f}",), proof_result)
"""Half an hour of proofs: a process of them that is left cannot end by itself unseen."""


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


@pytest.mark.parametrize(
    ("job", "hit", "moment"),
    [
        (JOBS["workers"], KILL, 5.0),
        (JOBS["workers"], KILL, 12.0),
        (PROOFS, KILL, 5.0),
        (PROOFS, CTRL_C, 5.0),
        (PROOFS, TERM, 5.0),
    ],
    ids=["study, 5 s", "study, 12 s", "proofs, KILL", "proofs, CTRL_C", "proofs, TERM"],
)
def test_workers_end_with_a_command_that_is_killed(tmp_path, job, hit, moment):
    prepare(tmp_path / "f")
    (command,) = job.commands(tmp_path / "f")
    seconds = hit_once(job, command, *hit, moment).seconds
    assert job != PROOFS or seconds is not None
