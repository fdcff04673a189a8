import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from types import SimpleNamespace

import pytest

from mbm_hw.studies.store import Store
from mbm_hw.studies.store_contents import read_contents

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
    assert writer.stderr.splitlines()[-1].startswith(f"OSError: {path}: "), writer.stderr
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


def foreign_database(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE units (key TEXT, row TEXT)")
    return path


def older_store(path):
    """Write a store as this package's first version did, without checksums."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE units (key TEXT PRIMARY KEY, row TEXT NOT NULL)")
    return path


def store_of_the_next_format(path):
    Store(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 3")
    return path


def text_file(path):
    path.write_text("rows: 3\n" * 100)
    return path


def link_loop(path):
    path.symlink_to(path)
    return path


def folder(path):
    path.mkdir()
    return path


def fifo(path):
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (foreign_database, "is no store of this version: it is another program's SQLite file, or "),
        (older_store, "is no store of this version: it is another program's SQLite file, or has"),
        (store_of_the_next_format, "is a store of format 3; this version has 2"),
        (text_file, "is no store: it is not an SQLite file, or its header is damaged"),
        (folder, "must be a store, which is a file, not a folder or a device"),
        (fifo, "must be a store, which is a file, not a folder or a device"),
        (link_loop, "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_store_is_refused_and_left_as_it_is(make, message, tmp_path):
    path = make(tmp_path / "study.sqlite")
    before = {file.name: file.is_file() and file.read_bytes() for file in tmp_path.iterdir()}
    for use in (Store, read_contents):
        with pytest.raises((ValueError, OSError), match=re.escape(message)) as raised:
            use(path)
        assert str(path) in str(raised.value)
    after = {file.name: file.is_file() and file.read_bytes() for file in tmp_path.iterdir()}
    assert after == before


def test_a_link_to_a_store_is_followed(tmp_path):
    Store(tmp_path / "there.sqlite").close()
    (tmp_path / "here.sqlite").symlink_to(tmp_path / "there.sqlite")
    with closing(Store(tmp_path / "here.sqlite")) as store:
        store.add([("key", {"image": 1})])
        assert read_contents(tmp_path / "here.sqlite").units == {b"key": b'{"image": 1}'}
    assert (tmp_path / "here.sqlite").is_symlink()


@pytest.mark.parametrize("statement", ["add", "get", "describe", "descriptions", "__len__"])
def test_errors_in_use_name_the_file(statement, tmp_path):
    path = tmp_path / "study.sqlite"
    arguments = {"add": [[("key", {})]], "get": ["key"], "describe": [{}]}.get(statement, [])
    store = Store(path)
    store._database.execute("DROP TABLE units")
    store._database.execute("DROP TABLE descriptions")
    with pytest.raises(OSError, match=f"{path}: no such table: "):
        getattr(store, statement)(*arguments)


def test_a_store_that_is_locked_says_so(tmp_path, monkeypatch):
    path = tmp_path / "study.sqlite"
    with closing(Store(path)) as store, closing(Store(path)) as other:
        other._database.execute("BEGIN IMMEDIATE")
        store._database.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(OSError, match=f"{path}: database is locked"):
            store.add([("key", {})])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_or_a_store_without_permission_is_an_error_that_names_it(tmp_path):
    """In a process that gives up root's rights."""
    path = tmp_path / "study.sqlite"
    killed = Store(path)
    killed.add([("key", {"image": 1})])
    path.chmod(0o444)
    code = (
        "import os, sys; from mbm_hw.studies.store import *; os.seteuid(65534)\n"
        "for path in sys.argv[1:]:\n"
        "    try: Store(path).describe({})\n"
        "    except OSError as error: print(error)\n"
        "print(len(read_contents(Path(sys.argv[1])).units))"
    )
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "new.sqlite")]
    output = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not output.stderr
    first, second, rows_read = output.stdout.splitlines()
    assert rows_read == "1", "a copy is read, so neither file nor folder need be writable"
    assert first == f"{path}: attempt to write a readonly database"
    assert second == f"{tmp_path}/new.sqlite: unable to open database file"


def test_a_block_that_fails_leaves_no_empty_store(tmp_path):
    path = tmp_path / "study.sqlite"
    with pytest.raises(RuntimeError), Store(path) as store:
        store.describe({"name": "study"})
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_block_that_fails_leaves_the_rows_that_there_are(tmp_path):
    path = tmp_path / "study.sqlite"
    with pytest.raises(RuntimeError), Store(path) as store:
        store.add([("key", {"image": 1})])
        raise RuntimeError
    with pytest.raises(RuntimeError), Store(path) as store:
        assert store.get("key") == {"image": 1}
        raise RuntimeError
    assert len(Store(path)) == 1


def test_a_block_that_fails_leaves_the_store_that_another_process_has_opened(tmp_path):
    path = tmp_path / "study.sqlite"
    with pytest.raises(RuntimeError), Store(path):
        other = Store(path)
        raise RuntimeError
    other.add([("key", {"image": 1})])
    other.close()
    assert len(Store(path)) == 1


def test_a_block_that_succeeds_leaves_an_empty_store(tmp_path):
    path = tmp_path / "study.sqlite"
    with Store(path):
        pass
    assert read_contents(path).units == {}


def connect_without_shared_memory(path, timeout=60):
    """Open the file by a part of SQLite that locks by files and has no write-ahead log."""
    uri = f"file:{path}?vfs=unix-dotfile"
    database = sqlite3.connect(uri, timeout=timeout, isolation_level=None, uri=True)
    database.text_factory = bytes
    return database


def test_without_shared_memory_another_journal_is_taken_and_said(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("mbm_hw.studies.store.connect", connect_without_shared_memory)
    path = tmp_path / "study.sqlite"
    assert_works_with_a_rollback_journal(path, caplog, "SQLite answers delete")


def test_on_a_network_file_system_another_journal_is_taken_and_said(tmp_path, monkeypatch, caplog):
    partitions = [SimpleNamespace(mountpoint=str(tmp_path), fstype="nfs4")]
    partitions += [SimpleNamespace(mountpoint="/", fstype="ext4")]
    path = tmp_path / "study.sqlite"
    Store(path).close()
    assert path.read_bytes()[18:20] == b"\2\2", "it has had a write-ahead log"
    monkeypatch.setattr("psutil.disk_partitions", lambda all: partitions)
    assert_works_with_a_rollback_journal(path, caplog, "nfs4")


def assert_works_with_a_rollback_journal(path, caplog, reason):
    with closing(Store(path)) as store:
        (message,) = [record.getMessage() for record in caplog.records]
        assert message == (
            f"{path}: no write-ahead log is possible there ({reason}); the journal mode is delete"
        )
        store.add([("key", {"image": 1})])
        assert {file.name for file in path.parent.iterdir()} == {path.name}
        with closing(Store(path)) as other:
            other.add([("other", {"image": 2})])
        assert store.get("other") == {"image": 2}
    assert path.read_bytes()[18:20] == b"\1\1"
