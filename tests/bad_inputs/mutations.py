"""Whole files with bytes changed by a seed: each is refused in one line, or read."""

import functools
import json
import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

from . import checkpoints, data, results, tables
from .case import Case, Content, Promise
from .studies import FOLDERS, NOTES, STUDY, text_of

LOAD_CHECKPOINT = "open_checkpoint('w.pt', ['0.weight'])"
LIBERTY = (
    'library (x) { time_unit : "1ns"; capacitive_load_unit (1, pf); cell (a) { area : 5;\n'
    'pin (y) { direction : output; function : "a b"; timing () { related_pin : "a"; } } } }\n'
)


class Format(NamedTuple):
    """A kind of file to mutate, and its reader.

    file : its name in the working folder. content : a good one. command, call : as of a `Case`.
    others : the files beside it. leaves : what the command may leave.
    """

    file: str
    content: Callable[[], bytes]
    command: tuple[str, ...] = ()
    call: str = ""
    others: Mapping[str, Content] = {}
    leaves: tuple[str, ...] = ()


def _encoded(text: str) -> Callable[[], bytes]:
    return lambda: text.encode()


def _data(kind: str, file: str) -> Format:
    content = data.GOOD[kind][file]
    whole = content.encode() if isinstance(content, str) else content
    call = data.LOAD.format(repr({"kind": kind} | data.KINDS[kind]))
    return Format(file, lambda: whole, call=call, others=data.GOOD[kind])


def _results(file: str) -> Mapping[str, Content]:
    return {f"s/{name}": content for name, content in results.finished().items() if name != file}


def formats() -> dict[str, Format]:
    """Return what is mutated, by name."""
    t, run = ("errors", "t.{}"), ("study", "run", "s.yaml")
    of = {
        f"table.{end}": Format(f"t.{end}", content, tuple(word.format(end) for word in t))
        for end, content in {
            "npy": lambda: tables.npy(tables.PRODUCTS),
            "npz": lambda: tables.npz(a=tables.PRODUCTS),
            "csv": _encoded(tables.csv(tables.ROWS)),
        }.items()
    }
    new = (*FOLDERS, "results/*")
    return of | {
        "study": Format("s.yaml", _encoded(text_of()), run, others=STUDY, leaves=new),
        "checkpoint.pt": Format("w.pt", lambda: checkpoints.GOOD, call=LOAD_CHECKPOINT),
        "checkpoint.safetensors": Format(
            "w.pt", lambda: checkpoints.safetensors({"0.bias": checkpoints.tensor()}, bytes(8)),
            call=LOAD_CHECKPOINT,
        ),
        "store": Format(
            "results/s/study.sqlite", lambda: results.finished()["study.sqlite"], run,
            others=STUDY, leaves=new,
        ),
        "merged store": Format(
            "a.sqlite", lambda: results.finished()["study.sqlite"],
            ("study", "merge", "s.yaml", "a.sqlite"), others=STUDY, leaves=new,
        ),
        "summary": Format(
            "s/summary.json", lambda: results.finished()["summary.json"], ("report", "s"),
            leaves=("s/report.html",),
        ),
        "costs": Format(
            "c.json", _encoded(json.dumps(results.COSTS)), ("report", "s", "--cost", "c.json"),
            leaves=("s/report.html",),
        ),
        "published": Format(
            "p.csv", _encoded(results.PUBLISHED), ("errors", "--published", "p.csv"),
            others={"t.csv": tables.csv(tables.ROWS)},
        ),
        "Liberty": Format(
            "c.lib", _encoded(LIBERTY),
            call="read_liberty('c.lib')",
        ),
        "CIFAR-10": _data("cifar10", "d/test.npz"),
        "labels": _data("imagenet_sample", "d/labels.csv"),
        "image": _data("imagenet_sample", "d/images/a.jpg"),
        "depths": _data("rgbd_folder", "d/frame-000000.depth.png"),
        "NYU": _data("nyu_depth", "nyu.zip"),
    }  # fmt: skip


FORMATS = tuple(formats())
"""The names of what is mutated."""


def mutations(name: str, seed: int, count: int) -> list[Case]:
    """Return `count` cases of the format `name`, which `seed` and `name` determine."""
    format_, generator = _format(name), random.Random(f"{name} {seed}")
    whole = format_.content()
    others = dict(format_.others) or (_results("summary.json") if format_.command else {})
    return [
        Case(
            name=f"{name}: mutation {index} of seed {seed}",
            command=format_.command,
            call=format_.call,
            files=others | {format_.file: mutated(whole, generator)},
            raises=(ValueError, TypeError, OSError),
            promise=Promise.EITHER,
            leaves=(*format_.leaves, f"{format_.file}*"),
            notes=NOTES,
        )
        for index in range(count)
    ]


@functools.cache
def _format(name: str) -> Format:
    return formats()[name]


INTERESTING = (b"", b"\0", b"\xff", b"-1", b"9" * 30, b"nan", b"\n", b'"', b"{", b"[", b"\x1b[2J")


def mutated(content: bytes, generator: random.Random) -> bytes:
    """Return the content with one to four changes: of bits, bytes, blocks, its end, its numbers."""
    changed = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(changed) + 1)
        match generator.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << generator.randrange(8)
            case 1 if at < len(changed):
                changed[at] = generator.randrange(256)
            case 2:
                changed[at:at] = generator.choice(INTERESTING)
            case 3:
                del changed[at : at + generator.randint(1, 64)]
            case 4:
                end = at + generator.randint(1, 64)
                changed[at:at] = changed[at:end]
            case 5 if generator.random() < 0.3:
                del changed[at:]
    return bytes(changed)
