"""Results of studies, of `cost`, and of libraries, as `report` and `errors` read them: damaged."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from .case import Case, Content, Promise, a_fifo, a_folder, a_link
from .foreign import FOREIGN
from .studies import DESCRIPTION, NETWORK
from .tables import ROWS, csv

WRONG = {
    "null": None,
    "a number": 5,
    "a text": "x",
    "an empty list": [],
    "a list of numbers": [1],
    "an empty mapping": {},
    "a mapping": {"a": 1},
    "true": True,
    "30 digits": 10**29,
}
COSTS = [{"design": "mbm8s", "build": "", "area_um2": 5.0, "delay_ns": 1.0}]
PUBLISHED = "name,signed,MAE%,MAE\nt,False,0.0,0.0\n"


@functools.cache
def finished() -> dict[str, bytes]:
    """Return the results of the small study: a file's name -> its content."""
    from mbm_hw.studies.description import read_study
    from mbm_hw.studies.results import write_results
    from mbm_hw.studies.run import StudyRun

    with TemporaryDirectory() as folder:
        Path(folder, "net.py").write_text(NETWORK)
        study = DESCRIPTION | {"network": f"{folder}/net.py:tiny", "name": "s"}
        Path(folder, "s.yaml").write_text(yaml.safe_dump(study))
        run = StudyRun(read_study(Path(folder, "s.yaml")), Path(folder, "s"))
        write_results(run, run.rows())
        return {p.name: p.read_bytes() for p in Path(folder, "s").iterdir() if p.is_file()}


def paths(value: Any, before: tuple = ()) -> Iterator[tuple]:
    """Yield the way to each value of a document, of lists to the first item."""
    if before:
        yield before
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*before, key))
    elif isinstance(value, list) and value:
        yield from paths(value[0], (*before, 0))


def changed(document: Any, way: tuple, value: Any) -> Any:
    """Return the document with another value at the end of a way."""
    if not way:
        return value
    copy = list(document) if isinstance(document, list) else dict(document)
    copy[way[0]] = changed(document[way[0]], way[1:], value)
    return copy


def without(document: Any, way: tuple) -> Any:
    copy = list(document) if isinstance(document, list) else dict(document)
    if len(way) == 1:
        del copy[way[0]]
    else:
        copy[way[0]] = without(document[way[0]], way[1:])
    return copy


def report(name: str, summary: Content, promise: Promise, *more: str, files=()) -> Case:
    results = {f"s/{file}": content for file, content in finished().items()}
    return Case(
        name=name,
        command=("report", "s", *more),
        files=results | {"s/summary.json": summary} | dict(files),
        promise=promise,
        says="summary.json" if promise == Promise.REFUSED and not files else "",
        leaves=("s/report.html",) if promise != Promise.REFUSED else (),
    )


def cases() -> Iterator[Case]:
    text = finished()["summary.json"]
    document = json.loads(text)
    for number, way in enumerate(paths(document)):
        name, value = list(WRONG.items())[number % len(WRONG)]
        where = ".".join(map(str, way))
        summary = json.dumps(changed(document, way, value))
        yield report(f"{where} is {name}", summary, Promise.EITHER)
        if len(way) <= 2:
            yield report(f"no {where}", json.dumps(without(document, way)), Promise.EITHER)
    for part in ("study", "weights", "machine", "versions", "coverage", "errors", "summaries"):
        for name, value in WRONG.items():
            if not (part in ("machine", "versions") and isinstance(value, dict)):
                summary = json.dumps(document | {part: value})
                yield report(f"{part} is {name}, of all kinds", summary, Promise.EITHER)
        yield report(f"no {part}, refused", json.dumps(without(document, (part,))), Promise.REFUSED)
    for name, content in {
        **FOREIGN,
        "cut in the middle": text[: len(text) // 2],
        "cut before its end": text[:-3],
        "a list": b"[]",
        "a number": b"5",
        "null": b"null",
        "lists 100,000 deep": b"[" * 100_000,
        "a number of 5000 digits": b'{"study": ' + b"9" * 5000 + b"}",
        "in UTF-16": text.decode().encode("utf-16"),
        "with a mark of byte order": b"\xef\xbb\xbf" + text,
        "a key twice": b'{"study": 1, "study": 2}',
        "a folder": a_folder,
        "a FIFO": a_fifo,
        "/dev/zero": a_link("/dev/zero"),
        "a link to itself": a_link("summary.json"),
        "a link to nothing": a_link("absent"),
    }.items():
        yield report(f"a summary that is {name}", content, Promise.REFUSED)
    yield from costs(text)
    yield from pictures(text)
    yield from published()


def costs(text: bytes) -> Iterator[Case]:
    for way in paths(COSTS):
        for name, value in WRONG.items():
            content = json.dumps(changed(COSTS, way, value))
            where = ".".join(map(str, way))
            yield report(
                f"costs whose {where} is {name}",
                text,
                Promise.EITHER,
                "--cost",
                "c.json",
                files={"c.json": content},
            )
    for name, content in {
        **FOREIGN,
        "a number": b"5",
        "a mapping": b"{}",
        "a list of numbers": b"[5]",
        "a list of mappings": b"[{}]",
        "cut": json.dumps(COSTS).encode()[:20],
        "a folder": a_folder,
        "a FIFO": a_fifo,
    }.items():
        yield report(
            f"costs that are {name}",
            text,
            Promise.REFUSED,
            "--cost",
            "c.json",
            files={"c.json": content},
        )
    yield report(
        "costs that are absent", text, Promise.REFUSED, "--cost", "c.json", files={"c": b""}
    )


def pictures(text: bytes) -> Iterator[Case]:
    for name, content in {
        "a folder": a_folder,
        "a FIFO": a_fifo,
        "a link to itself": a_link("layers.png"),
    }.items():
        yield report(
            f"a picture that is {name}", text, Promise.EITHER, files={"s/layers.png": content}
        )
    for output in ("s/summary.json", "s/layers.png", "s/errors.png"):
        yield report(
            f"an output that is {output}", text, Promise.REFUSED, "-o", output, files={"c": b""}
        )
    for folder in ("absent", "s/summary.json", "", "\x1b[2J", "/dev/null", "s" * 300):
        yield Case(
            name=f"a folder called {folder[:20]!a}",
            command=("report", folder),
            files={"s/summary.json": text},
        )


def published() -> Iterator[Case]:
    for name, content in {
        **FOREIGN,
        "of other columns": "a,b\n1,2\n",
        "of no rows": "name,signed,MAE\n",
        "of an absent table": PUBLISHED.replace("t,", "absent,"),
        "of a sign that is a word": PUBLISHED.replace("False", "maybe"),
        "of a figure that is a word": PUBLISHED.replace("0.0", "many"),
        "of a figure that is nan": PUBLISHED.replace("0.0", "nan"),
        "of a figure that is infinite": PUBLISHED.replace("0.0", "inf"),
        "of a figure with a huge exponent": PUBLISHED.replace("0.0", "1e999999999"),
        "of a figure with a tiny exponent": PUBLISHED.replace("0.0", "1e-999999999"),
        "of a name that is a path": PUBLISHED.replace("t,", "../../../../etc/passwd,"),
        "of an empty name": PUBLISHED.replace("t,", ","),
        "of a name with control characters": PUBLISHED.replace("t,", "a\x1b[2J,"),
        "of zero bytes": PUBLISHED.replace("t,", "a\0,"),
        "in UTF-16": PUBLISHED.encode("utf-16"),
        "of a cell of a megabyte": PUBLISHED.replace("t,", f"{'t' * 10**6},"),
        "a folder": a_folder,
        "a FIFO": a_fifo,
    }.items():
        yield Case(
            name=f"published figures {name}",
            command=("errors", "--published", "p.csv"),
            files={"p.csv": content, "t.csv": csv(ROWS)},
        )
