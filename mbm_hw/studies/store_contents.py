"""The file of a store: its format, its checksums, and reading it without a change."""

import hashlib
import shutil
import sqlite3
import stat
import struct
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

APPLICATION = int.from_bytes(b"MBMS", "big")
"""SQLite's `application_id` of a store: an SQLite file with another one is a foreign file."""
VERSION = 2
"""SQLite's `user_version` of a store: since 2 each row has a checksum."""
TABLES = ("units", "descriptions")
"""The tables, each of which has COLUMNS; a description's key is its hash."""
COLUMNS = "key TEXT PRIMARY KEY, row TEXT NOT NULL, checksum TEXT NOT NULL"
NEIGHBOURS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database while it is in use."""

_LEAST_ROW = 64  # bytes that a row of either table takes, at the least
_READS = 5
_PAGE = 4096  # bytes: what SQLite takes where nobody asks for another size
_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True)
class Contents:
    """The sound rows of a store's file.

    units, descriptions : key -> the row's text, as in the tables of these names, in order.
    damage : in words what is not sound; empty if everything is.
    """

    units: dict[bytes, bytes]
    descriptions: dict[bytes, bytes]
    damage: str


def checksum(table: str, key: bytes, row: bytes) -> bytes:
    """Return the hash of a row, its key and its table's name: 32 hexadecimal digits."""
    texts = b"\0".join((table.encode(), key, row))
    return hashlib.blake2b(texts, digest_size=16).hexdigest().encode()


def holds_store(path: Path) -> bool:
    """Return whether there is a store at `path`; False where there is no file, or an empty one.

    Only the file's header is read. ValueError if the file is anything else, a store of another
    format among them; OSError if it cannot be read.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} must be a store, which is a file, not a folder or a device")
    with open(path, "rb") as file:
        header = file.read(100)
    if not header:
        log = neighbour(path, "-wal")
        if log.is_file() and log.stat().st_size:
            raise ValueError(f"{path} is empty, but {log.name} has rows of it: move both away")
        return False
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise ValueError(f"{path} is no store: it is not an SQLite file, or its header is damaged")
    version, application = struct.unpack(">I4xI", header[60:72])
    if application != APPLICATION:
        raise ValueError(
            f"{path} is no store of this version: it is another program's SQLite file, or has rows "
            "of an older version, which must be computed anew; move it away"
        )
    if version != VERSION:
        raise ValueError(f"{path} is a store of format {version}; this version has {VERSION}")
    return True


def connect(path: Path, timeout: float = 60) -> sqlite3.Connection:
    """Open an SQLite file whose texts are read as bytes; transactions are begun by hand."""
    database = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    database.text_factory = bytes  # a damaged text need not be UTF-8
    return database


def is_sound(table: str, key: bytes, row: bytes, check: bytes) -> bool:
    """Return whether a row has its checksum; what is no text has none."""
    is_text = isinstance(key, bytes) and isinstance(row, bytes)
    return is_text and checksum(table, key, row) == check


def create_tables(database: sqlite3.Connection) -> None:
    """Make an empty SQLite file a store, in one transaction."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            database.execute(f"CREATE TABLE IF NOT EXISTS {table} ({COLUMNS})")
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {VERSION}")


def find_damage(database: sqlite3.Connection) -> str:
    """Return in words what is damaged in an open store, or an empty text; all of it is read.

    An error that does not tell of damage, such as a lock, is an sqlite3.Error.
    """
    try:
        (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if found != b"ok":
            text = found.decode(errors="replace").removeprefix("*** in database main ***")
            return " ".join(text.split())
        for table in TABLES:
            for number, *row in database.execute(f"SELECT rowid, * FROM {table} NOT INDEXED"):
                if not is_sound(table, *row):
                    return f"row {number} of its {table} does not have its checksum"
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return str(error)
    return ""


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error tells of a damaged file, not of what is around it."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in _DAMAGE


def read_contents(path: Path) -> Contents:
    """Return what is sound in the store at `path`, and in its `-wal` neighbour.

    A copy is opened, so the file and its folder may be read-only, and stay as they are. ValueError
    if there is no store, or a process writes to it meanwhile; OSError if it cannot be read.
    """
    if not holds_store(path):
        raise ValueError(f"there is no store {path}")
    path = path.resolve()  # SQLite's neighbours are those of the file itself
    with TemporaryDirectory() as folder:
        copy = _copy(path, Path(folder))
        most = sum(file.stat().st_size for file in copy.parent.iterdir()) // _LEAST_ROW
        try:
            with closing(connect(copy)) as database:
                damage = find_damage(database)
                units, descriptions = (_sound(database, table, most) for table in TABLES)
            if damage:
                _renew_first_page(copy)
                with closing(connect(copy)) as database:
                    units |= _sound(database, "units", most)
                    descriptions |= _sound(database, "descriptions", most)
        except sqlite3.Error as error:
            raise OSError(f"{path}: {error}") from error
    return Contents(units, descriptions, damage)


def neighbour(path: Path, ending: str) -> Path:
    """Return the path with one of NEIGHBOURS appended to its name."""
    return path.with_name(path.name + ending)


def _copy(path: Path, folder: Path) -> Path:
    copies = {"": folder / "store"} | {
        e: neighbour(folder / "store", e) for e in ("-wal", "-journal")
    }
    files = {neighbour(path, ending): copy for ending, copy in copies.items()}

    def state():
        found = [file.stat() for file in files if file.is_file()]
        return [(status.st_size, status.st_mtime_ns) for status in found]

    for _ in range(_READS):
        before = state()
        for file, copy in files.items():
            if file.is_file():
                shutil.copyfile(file, copy)
        if state() == before:
            return folder / "store"
    raise ValueError(f"{path} is being written to: wait for the end of its run")


def _renew_first_page(path: Path) -> None:
    """Give a damaged copy the first page of a new store, which has the tables' places.

    It is the same in every store, but for counters and the number of pages.
    """
    with closing(connect(path.with_name("new"))) as database:
        create_tables(database)
    page = bytearray(path.with_name("new").read_bytes()[:_PAGE])
    page[18:20] = b"\2\2" if neighbour(path, "-wal").exists() else b"\1\1"  # versions of the format
    page[28:32] = struct.pack(">I", path.stat().st_size // _PAGE)
    with open(path, "r+b") as file:
        file.write(page)


def _sound(database: sqlite3.Connection, table: str, most: int) -> dict[bytes, bytes]:
    """Return the sound rows of a table: those that can be reached, where its file is damaged."""
    try:
        rows = database.execute(f"SELECT * FROM {table} NOT INDEXED").fetchall()
    except sqlite3.Error:
        rows = _one_by_one(database, table, most)
    return {key: row for key, row, check in rows if is_sound(table, key, row, check)}


def _one_by_one(database, table, most) -> Iterator[tuple]:
    """Yield the rows that can be reached; they have the numbers 1 to at most `most`."""
    for number in range(1, most + 1):
        with suppress(sqlite3.Error):
            yield from database.execute(f"SELECT * FROM {table} WHERE rowid = ?", (number,))
