import resource
import signal
import sqlite3
import subprocess
import sys

from mbm_hw.studies.store import Store

WRITER = """
import sys
from mbm_hw.studies.store import Store
store = Store(sys.argv[1])
for i in range(int(sys.argv[2]), int(sys.argv[3])):
    store.add([(f"{i}/{j}", {"image": i}) for j in range(50)])
    print(i, flush=True)
"""


def start_writer(path, first, last):
    command = [sys.executable, "-c", WRITER, str(path), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_rows_come_back_as_they_went_in(tmp_path):
    store = Store(tmp_path / "folder" / "study.sqlite")
    row = {"spec": "mbm8s", "a1": 0.1 + 0.2, "image": 3}
    store.add([("key", row)])
    store.add([("key", {"spec": "another"})])
    assert store.get("key") == row
    assert store.get("absent") is None
    assert len(store) == 1


def test_kill_9_loses_no_committed_unit_and_leaves_no_half_one(tmp_path):
    path = tmp_path / "study.sqlite"
    for attempt in range(5):
        writer = start_writer(path, attempt * 100_000, (attempt + 1) * 100_000)
        reported = [int(writer.stdout.readline()) for _ in range(10)]
        writer.send_signal(signal.SIGKILL)
        reported += [int(line) for line in writer.stdout]
        writer.wait()
        store = Store(path)
        for i in reported:
            assert store.get(f"{i}/0") == store.get(f"{i}/49") == {"image": i}
        assert len(store) % 50 == 0, "a commit holds all of its rows or none"
        store.close()
    check = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()
    assert check == ("ok",)


def test_two_processes_on_one_store_neither_lose_nor_double(tmp_path):
    path = tmp_path / "study.sqlite"
    writers = [start_writer(path, 0, 60), start_writer(path, 30, 90)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert len(Store(path)) == 50 * 90


def test_a_full_disk_loses_nothing_and_the_store_goes_on_when_there_is_room(tmp_path):
    """A file may not grow beyond 200 kB in the writer's process, whatever SQLite writes to it."""
    path = tmp_path / "study.sqlite"
    command = [sys.executable, "-c", WRITER, str(path), "0", "100000"]
    limits = (resource.RLIMIT_FSIZE, (200_000, 200_000))
    writer = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=lambda: _limit(*limits), timeout=60
    )
    assert writer.returncode == 1
    assert "OperationalError" in writer.stderr, "SQLite says that the disk is full"
    reported = [int(line) for line in writer.stdout.split()]
    assert len(reported) > 10
    store = Store(path)
    for i in reported:
        assert store.get(f"{i}/0") == store.get(f"{i}/49") == {"image": i}
    assert len(store) == 50 * len(reported), "nothing of the commit that failed"
    store.add([("after", {"image": 1})])
    assert store.get("after") == {"image": 1}


def _limit(which, limits):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write fails, as on a full disk
    resource.setrlimit(which, limits)
