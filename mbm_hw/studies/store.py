"""The store of finished units: one SQLite file, which loses nothing that was committed."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path


class Store:
    """Rows by key, in a SQLite file in write-ahead mode; safe against kill -9 and a second process.

    A row is a mapping of names to numbers and texts. Its key holds everything it depends on, so a
    key is either absent or its row is right; adding it again changes nothing.
    """

    def __init__(self, path: str | Path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS units (key TEXT PRIMARY KEY, row TEXT NOT NULL)"
        )

    def add(self, rows: Iterable[tuple[str, dict]]) -> None:
        """Commit rows by their keys, all of them or, when interrupted, none."""
        texts = [(key, json.dumps(row)) for key, row in rows]
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR IGNORE INTO units VALUES (?, ?)", texts)

    def get(self, key: str) -> dict | None:
        """Return the row of `key`, or None."""
        found = self._database.execute("SELECT row FROM units WHERE key = ?", (key,)).fetchone()
        return None if found is None else json.loads(found[0])

    def __len__(self) -> int:
        return self._database.execute("SELECT COUNT(*) FROM units").fetchone()[0]

    def close(self) -> None:
        self._database.close()
