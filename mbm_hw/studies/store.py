"""The store of finished units: one SQLite file, which loses nothing that was committed."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path


class Store:
    """Rows by key, in a SQLite file in write-ahead mode; safe against kill -9 and a second process.

    A row is a mapping of names to numbers and texts. Its key holds everything it depends on, so a
    key is either absent or its row is right; adding it again changes nothing.

    Beside the rows are descriptions: what was run here, for `studies.shards`.

    path : of the file, created with its folder when missing; one that is no store is a ValueError.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            for table in (
                "units (key TEXT PRIMARY KEY, row TEXT NOT NULL)",
                "descriptions (description TEXT PRIMARY KEY)",
            ):
                self._database.execute(f"CREATE TABLE IF NOT EXISTS {table}")
        except sqlite3.Error as error:
            self.close()
            raise ValueError(f"{path} cannot be used as a store: {error}") from error

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

    def describe(self, description: dict) -> None:
        """Note what is run here; saying it again changes nothing."""
        text = json.dumps(description)
        self._database.execute("INSERT OR IGNORE INTO descriptions VALUES (?)", (text,))

    def descriptions(self) -> list[dict]:
        """Return what was run here, the last one last."""
        found = self._database.execute("SELECT description FROM descriptions ORDER BY rowid")
        return [json.loads(text) for (text,) in found]

    def __len__(self) -> int:
        return self._database.execute("SELECT COUNT(*) FROM units").fetchone()[0]

    def close(self) -> None:
        self._database.close()
