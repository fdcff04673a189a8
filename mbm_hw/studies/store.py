"""The store of finished units: one SQLite file, which loses nothing that was committed."""

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path

from mbm_hw.studies.file_systems import network_file_system
from mbm_hw.studies.store_contents import (
    NEIGHBOURS,
    checksum,
    connect,
    create_tables,
    find_damage,
    holds_store,
    is_damage,
    is_sound,
    neighbour,
    read_contents,
)

_log = logging.getLogger(__name__)


class Store:
    """Rows by key, in a SQLite file; safe against kill -9 and a second process.

    A row is a mapping of names to numbers and texts. Its key holds everything it depends on, so a
    key is either absent or its row is right; adding it again changes nothing. Beside the rows are
    descriptions: what was run here, for `studies.shards`.

    Every row has a checksum. A store that is damaged when it is opened is renamed to
    `NAME.damagedN`, its sound rows go into a new one, and a logged warning says so.

    The journal is a write-ahead log, or, where the file system cannot have one, a rollback journal;
    a logged warning says so.

    As a context manager, a store that the block created is removed if the block raises before there
    is a row.

    path : of the file, created with its folder when missing; a link is followed.

    Raises ValueError if the file is no store, or a store of another format; such a file is left as
    it is. Raises OSError if SQLite cannot open, read or write the file, now or later.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        holds_store(self.path)
        if self.path.is_symlink():
            self.path = self.path.resolve()
        with self._naming_the_file():
            damage = self._open()
        if damage:
            self._begin_anew(damage)

    def _open(self) -> str:
        """Open the file, creating its tables when missing; return in words what is damaged."""
        self._database = connect(self.path)
        self._is_new = False
        try:
            if self._database.execute("PRAGMA user_version").fetchone() == (0,):
                create_tables(self._database)
                self._is_new = True
            self._choose_journal()
            return "" if self._is_new else find_damage(self._database)
        except sqlite3.Error as error:
            self.close()
            if is_damage(error):
                return str(error)
            raise

    def _choose_journal(self):
        """Take a write-ahead log where the file system can have one. Ref: sqlite.org/wal.html."""
        execute, reason = self._database.execute, network_file_system(self.path)
        if reason is None:
            try:
                (mode,) = execute("PRAGMA journal_mode = WAL").fetchone()
                execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
                reason = None if mode == b"wal" else f"SQLite answers {mode.decode()}"
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in _WITHOUT_SHARED_MEMORY:
                    raise
                reason = str(error)
        if reason is not None:
            execute("PRAGMA locking_mode = EXCLUSIVE")  # leaves a log without shared memory
            (mode,) = execute("PRAGMA journal_mode = DELETE").fetchone()
            execute("PRAGMA locking_mode = NORMAL")
            execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            _log.warning(
                "%s: no write-ahead log is possible there (%s); the journal mode is %s",
                self.path,
                reason,
                mode.decode(),
            )
        execute("PRAGMA synchronous = FULL")

    def _begin_anew(self, damage: str) -> None:
        """Put the sound rows of the damaged file into a new one; rename the damaged file."""
        self.close()
        with self._naming_the_file(), closing(connect(self.path, timeout=0)) as database:
            if _is_in_use(database):
                raise ValueError(f"{self.path} is damaged ({damage}), and another process uses it")
        contents = read_contents(self.path)
        sound = self.path.with_name(f"{self.path.name}.sound")
        _remove(sound)
        with Store(sound) as store:
            store._insert("units", contents.units)
            store._insert("descriptions", contents.descriptions)
        names = (self.path.with_name(f"{self.path.name}.damaged{n}") for n in count(1))
        damaged = next(path for path in names if not path.exists())
        for ending in ("", *NEIGHBOURS):
            if neighbour(self.path, ending).exists():
                neighbour(self.path, ending).rename(neighbour(damaged, ending))
        sound.rename(self.path)
        with self._naming_the_file():
            self._open()
        _log.warning(
            "%s was damaged (%s): its %d sound rows are kept, others are computed again, and the "
            "damaged file is now %s",
            self.path,
            damage,
            len(contents.units),
            damaged.name,
        )

    @classmethod
    def described(cls, path: str | Path, description: dict) -> "Store":
        """Open, or create, the store at `path`, and note in it what is run."""
        with ExitStack() as unless_described:
            store = unless_described.enter_context(cls(path))
            store.describe(description)
            unless_described.pop_all()
        return store

    def add(self, rows: Iterable[tuple[str, dict]]) -> None:
        """Commit rows by their keys, all of them or, when interrupted, none."""
        self._insert("units", {key.encode(): json.dumps(row).encode() for key, row in rows})

    def describe(self, description: dict) -> None:
        """Note what is run here; saying it again changes nothing."""
        text = json.dumps(description).encode()
        self._insert("descriptions", {checksum("", b"", text): text})

    def _insert(self, table: str, rows: Mapping[bytes, bytes]) -> None:
        entries = [
            tuple(text.decode() for text in (key, row, checksum(table, key, row)))
            for key, row in rows.items()
        ]
        with self._naming_the_file(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            insert = f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?)"
            self._database.executemany(insert, entries)

    def get(self, key: str) -> dict | None:
        """Return the row of `key`, or None; a row that was damaged meanwhile is a ValueError."""
        select = "SELECT row, checksum FROM units WHERE key = ?"
        with self._naming_the_file():
            found = self._database.execute(select, (key,)).fetchone()
        if found is None:
            return None
        row, check = found
        if not is_sound("units", key.encode(), row, check):
            raise ValueError(f"{self.path}: the row {key} is damaged; run the study again")
        return json.loads(row)

    def descriptions(self) -> list[dict]:
        """Return what was run here, the last one last."""
        select = "SELECT row FROM descriptions ORDER BY rowid"
        with self._naming_the_file():
            return [json.loads(text) for (text,) in self._database.execute(select)]

    def __len__(self) -> int:
        with self._naming_the_file():
            return self._database.execute("SELECT COUNT(*) FROM units").fetchone()[0]

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind, *_) -> None:
        is_for_nothing = kind is not None and self._is_new and self._is_empty_and_ours()
        self.close()
        if is_for_nothing:
            _remove(self.path)

    def _is_empty_and_ours(self) -> bool:
        try:
            return not _is_in_use(self._database) and not len(self)
        except (OSError, sqlite3.Error):
            return False

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OSError(f"{self.path}: {error}") from error


_WITHOUT_SHARED_MEMORY = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CANTOPEN)


def _is_in_use(database: sqlite3.Connection) -> bool:
    """Return whether another connection has the file open. If not, this one keeps others out."""
    try:
        database.execute("PRAGMA busy_timeout = 0")
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        return not is_damage(error)
    return False


def _remove(path: Path) -> None:
    for ending in ("", *NEIGHBOURS):
        neighbour(path, ending).unlink(missing_ok=True)
