"""Stores of studies, as `study run` and `study merge` open them; and caches, Liberty files."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from .case import Case, Content, Promise, a_fifo, a_folder, a_link, with_mode
from .foreign import FOREIGN
from .results import finished
from .studies import FOLDERS, NOTES, STUDY, text_of

HERE = "results/s/study.sqlite"
RUN = ("study", "run", "s.yaml")


def sqlite(*statements: str) -> bytes:
    """Return an SQLite file in which the statements were run."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.sqlite")
        with closing(sqlite3.connect(path)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()
        return path.read_bytes()


OURS = 1296188499  # b"MBMS"
TABLE = "CREATE TABLE {} (key TEXT PRIMARY KEY, row TEXT NOT NULL, checksum TEXT NOT NULL)"
ID = f"PRAGMA application_id = {OURS}"
FILES: dict[str, Content] = {
    **{name: content for name, content in FOREIGN.items() if name != "empty"},
    "of another program": sqlite("CREATE TABLE a (b)", "INSERT INTO a VALUES (1)"),
    "of an older version": sqlite(TABLE.format("units"), ID, "PRAGMA user_version = 1"),
    "of a newer version": sqlite(TABLE.format("units"), ID, "PRAGMA user_version = 99"),
    "of another program's tables": sqlite("CREATE TABLE units (a)", "PRAGMA user_version = 2"),
    "of a header alone": b"SQLite format 3\0",
    "a folder": a_folder,
    "a FIFO": a_fifo,
    "/dev/zero": a_link("/dev/zero"),
    "/dev/null": a_link("/dev/null"),
    "a link to itself": a_link("study.sqlite"),
}
DAMAGED = {
    "without tables": sqlite("CREATE TABLE a (b)", ID, "PRAGMA user_version = 2"),
    "without a column": sqlite(
        "CREATE TABLE units (key TEXT)",
        "CREATE TABLE descriptions (key TEXT)",
        ID,
        "PRAGMA user_version = 2",
    ),
    "whose rows are numbers": sqlite(
        *map(TABLE.format, ("units", "descriptions")),
        ID,
        "PRAGMA user_version = 2",
        "INSERT INTO units VALUES (1, 2, 3)",
        "INSERT INTO descriptions VALUES (1, 2, 3)",
    ),
    "with a trigger": sqlite(
        *map(TABLE.format, ("units", "descriptions")),
        ID,
        "PRAGMA user_version = 2",
        "CREATE TRIGGER t AFTER INSERT ON units BEGIN DELETE FROM units; END",
    ),
    "with a view in place of rows": sqlite(
        "CREATE VIEW units AS SELECT 1 AS key, 2 AS row, 3 AS checksum",
        TABLE.format("descriptions"),
        ID,
        "PRAGMA user_version = 2",
    ),
}
CACHES = {
    "null": b"null",
    "a number": b"5",
    "empty": b"",
    "cut": b'{"area": 5',
    "a list": b"[]",
    "a mapping": b"{}",
    "zero bytes": bytes(100),
    "bytes that are no UTF-8": b"\xff\xfe",
    "lists 100,000 deep": b"[" * 100_000,
}
LIBERTY = "library (x) {{ {} capacitive_load_unit (1, pf); cell (a) {{ area : {}; }} }}"
LIBERTIES: dict[str, Content] = {
    **FOREIGN,
    "without an end": "library (x) { cell (a) { area : 1;",
    "without cells": "library (x) { }",
    "of two libraries": "library (x) { } library (y) { }",
    "of an area that is a word": LIBERTY.format("", "large"),
    "of an area of nan": LIBERTY.format("", "nan"),
    "of an unknown unit": LIBERTY.format('time_unit : "1year";', "1"),
    "of brackets": "(" * 100_000,
    "of braces": "a(b){" * 20_000,
    "with an open text": 'library (x) { "',
    "with an open comment": "library (x) { /* ",
    "with a colon at its end": "library (x) { a :",
    "a folder": a_folder,
    "a FIFO": a_fifo,
    "/dev/zero": a_link("/dev/zero"),
    "a link to itself": a_link("c.lib"),
}


def cases() -> Iterator[Case]:
    for name, content in FILES.items():
        yield Case(
            name=f"run with a store {name}",
            command=RUN,
            notes=NOTES,
            files=STUDY | {HERE: content},
            says="study.sqlite",
        )
        yield merge(f"merge of a store {name}", {"study.sqlite": content})
    whole = finished()["study.sqlite"]
    for share in (0.01, 0.3, 0.7, 0.99):
        DAMAGED[f"that ends at {share:.0%}"] = whole[: int(share * len(whole))]
    for name, content in DAMAGED.items():
        yield Case(
            name=f"run with a store {name}",
            command=RUN,
            notes=NOTES,
            files=STUDY | {HERE: content},
            promise=Promise.EITHER,
            says="",
            leaves=(f"{HERE}*", "results", "results/*"),
        )
        yield merge(f"merge of a store {name}", {"study.sqlite": content}, says="")
    yield merge("merge of a store of another study", {"study.sqlite": whole})
    yield merge("merge of a store that is absent", {})
    yield merge("merge of an empty store", {"study.sqlite": b""})
    for name, folder in {"read-only": with_mode(0o555), "locked": with_mode(0)}.items():
        yield Case(
            name=f"run into a folder that is {name}",
            command=RUN,
            notes=NOTES,
            as_nobody=True,
            files=STUDY | {"results": folder},
            says="results",
        )
    yield Case(
        name="run with a store that is locked",
        command=RUN,
        notes=NOTES,
        as_nobody=True,
        files=STUDY | {"results/s/study.sqlite": with_mode(0, whole)},
        says="study.sqlite",
    )
    yield Case(
        name="merge of a bad study",
        command=("study", "merge", "s.yaml", "a.sqlite"),
        files=STUDY | {"s.yaml": text_of(batch=0)},
        says="batch",
    )
    for name, content in LIBERTIES.items():
        yield Case(
            name=f"a Liberty file {name}",
            command=("cost", "mbm4", "--liberty", "c.lib"),
            files={"c.lib": content},
            says="c.lib",
            leaves=("build*",),
        )
    for name, content in CACHES.items():
        yield Case(
            name=f"a cache that is {name}",
            call="Path('c').mkdir(); Path('c', content_hash('k') + '.json').write_bytes("
            f"{content[:200]!r} * {len(content) // 200 or 1})\n"
            "assert Cache('c').get(lambda: {'right': 1}, 'k') == {'right': 1}",
            promise=Promise.WORKS,
            leaves=("c*",),
        )


def merge(name: str, files: dict, says: str = "study.sqlite") -> Case:
    return Case(
        name=name,
        command=("study", "merge", "s.yaml", "study.sqlite"),
        files=STUDY | files,
        says=says,
        notes=NOTES,
        leaves=FOLDERS,
    )
