"""Study files: keys with values that are none of theirs, unknown keys, YAML that is none."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from .case import Case, Content, a_fifo, a_folder, a_link
from .foreign import FOREIGN

NETWORK = """from torch import nn


def tiny() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.Flatten(), nn.Linear(18, 10))


def nothing(network, data):
    pass
"""
TINY = (
    "net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, stride=2), torch.nn.Flatten(), "
    "torch.nn.Linear(18, 10));"
)
"""The same network, for calls."""

DESCRIPTION = {
    "network": "net.py:tiny",
    "weights": {"random": 0},
    "data": {"kind": "digits", "seed": 0, "images": 1, "calibration_images": 1},
    "specs": ["mbm8s"],
    "metrics": "classification",
}
WRONG = {
    "null": None,
    "true": True,
    "a fraction": 3.5,
    "a negative number": -1,
    "30 digits": 10**29,
    "nan": float("nan"),
    "infinity": float("inf"),
    "an empty text": "",
    "a word": "nonsense",
    "a text with control characters": "a\x1b[2J\x07b",
    "a text of 60,000 characters": "x" * 60_000,
    "an empty list": [],
    "a list of numbers": [1, 2],
    "lists in lists": [[["a"]]],
    "an empty mapping": {},
    "a mapping of numbers": {1: 2},
    "a mapping of words": {"a": "b"},
    "a date": datetime.date(2020, 1, 1),
}
KEYS = (
    "name",
    "network",
    "weights",
    "data",
    "specs",
    "metrics",
    "layers",
    "quantizer",
    "batch",
    "algorithms",
)
NESTED = {
    "weights": ("random",),
    "layers": ("each", "all", "groups", "subclasses"),
    "data": ("kind", "seed", "images", "calibration_images"),
}
ENTRY = ("spec", "table", "name", "signed", "sign_magnitude")
LONG_PATH = "weights", "a text of 60,000 characters"
LEGAL = {  # what is right, though it looks wrong
    ("name", "a word"),
    ("layers", "an empty mapping"),
    ("layers.all", "true"),
    ("layers.subclasses", "true"),
    ("layers.groups", "an empty mapping"),
    ("entry.signed", "true"),
    ("entry.sign_magnitude", "true"),
    ("entry.name", "null"),
    ("entry.name", "a word"),
    ("entry.table", "null"),
    ("entry.spec", "null"),
}


def text_of(**changes: Any) -> str:
    """Return the study as YAML, some of its keys changed."""
    return yaml.safe_dump(DESCRIPTION | changes, sort_keys=False)


NOTES = r"\Z|s: (needs at least|  0%\|)|\S+ (was|is) damaged "
"""Lines of a study on stderr before it fails: its memory, its progress, a store's damage."""

FOLDERS = ("results", "results/s")
"""The empty folders that a study may leave."""

STUDY: Mapping[str, Content] = {"net.py": NETWORK, "s.yaml": text_of()}
"""A study that works, and its network."""


def run(name: str, text: str | bytes | Content, says: str = "s.yaml", **more) -> Case:
    """Return the case of a study file; `files` of `more` are added."""
    files = STUDY | {"s.yaml": text} | more.pop("files", {})
    command = ("study", "run", "s.yaml", *more.pop("arguments", ()))
    more = {"notes": NOTES, "leaves": FOLDERS} | more
    return Case(name=name, command=command, files=files, says=says, **more)


def cases() -> Iterator[Case]:
    yield from wrong_values()
    for key in DESCRIPTION:
        rest = {name: value for name, value in DESCRIPTION.items() if name != key}
        yield run(f"no {key}", yaml.safe_dump(rest), says=key)
    for key in (*DESCRIPTION, "batch", "name"):
        value = yaml.safe_dump({key: DESCRIPTION.get(key, 1)})
        yield run(f"{key} twice", text_of(**{key: 1}) + value, says=key)
    for name, text in TEXTS.items():
        yield run(name, text)
    for name, content in (FOREIGN | SPECIAL).items():
        yield run(f"a study that is {name}", content)
    for name, (changes, says) in CHANGES.items():
        yield run(name, text_of(**changes), says=says)


def wrong_values() -> Iterator[Case]:
    for key in KEYS:
        for name, value in WRONG.items():
            if (key, name) not in LEGAL:
                says = "too long" if (key, name) == LONG_PATH else _said(key)
                yield run(f"{key} is {name}", text_of(**{key: value}), says=says)
    for key, inner in NESTED.items():
        for part in inner:
            for name, value in WRONG.items():
                if (f"{key}.{part}", name) not in LEGAL:
                    changed = {key: DESCRIPTION.get(key, {}) | {part: value}}
                    is_number = name in ("30 digits", "nan", "infinity")  # of which YAML tells
                    says = "layers" if key == "layers" and not is_number else part
                    yield run(f"{key}.{part} is {name}", text_of(**changed), says=says)
        changed = {key: DESCRIPTION.get(key, {}) | {"nonsense": 1}}
        yield run(f"{key}.nonsense", text_of(**changed), says="nonsense")
    for part in ENTRY:
        for name, value in WRONG.items():
            if (f"entry.{part}", name) not in LEGAL:
                entry = {"spec": "mbm8s"} if part != "table" else {}
                changed = text_of(specs=[entry | {part: value}])
                yield run(f"an entry's {part} is {name}", changed, says="")
    yield run("an entry's nonsense", text_of(specs=[{"nonsense": 1}]), says="nonsense")


def _said(key: str) -> str:
    return key.rstrip("s") if key in ("specs", "algorithms", "metrics") else key


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
TEXTS = {
    "aliases that grow tenfold a line": BOMB,
    "an alias of itself": "a: &a [*a]\n",
    "a merge of mappings": "a: &a {network: x}\n<<: *a\n",
    "a tag of Python": "network: !!python/object/apply:os.system ['touch evil']\n",
    "a tag of nobody": "network: !x y\n",
    "a tag of a set": text_of().replace("digits", "!!set {a, b}"),
    "lists 10,000 deep": "network: " + "[" * 10_000,
    "mappings 10,000 deep": "a: {" * 10_000,
    "a number of 5000 digits": text_of(batch=1).replace("batch: 1", f"batch: {'9' * 5000}"),
    "a hexadecimal number of 5000 digits": text_of() + f"batch: 0x{'f' * 5000}\n",
    "a number of base 60": text_of() + f"batch: {':'.join(['59'] * 2000)}\n",
    "a number in Arabic digits": text_of() + "batch: \u0661\n",
    "two documents": text_of() + "---\n" + text_of(),
    "a list": "- a\n- b\n",
    "a number": "5\n",
    "a word alone": "study\n",
    "a null": "null\n",
    "only comments": "# a study\n",
    "tabs": text_of().replace("  ", "\t"),
    "a bracket that is open": "network: [a\n",
    "a quote that is open": 'network: "a\n',
    "a colon that is missing": "network net.py:tiny\n",
    "a key that is a list": "? [a, b]\n: c\n",
    "a key that is a mapping": "? {a: b}\n: c\n",
    "a key of 60,000 characters": f"{'k' * 60_000}: 1\n",
    "a key with control characters": '"a\\x1b[2J": 1\n',
    "a key that is null": "null: 1\n",
    "a key that is nan": ".nan: 1\n",
    "a file of 70,000 bytes": text_of() + "#" * 70_000,
    "UTF-16": text_of().encode("utf-16"),
    "Latin-1": text_of(name="\u00e9").encode("latin-1", "replace") + b"# \xe9\n",
    "zero bytes": text_of().encode().replace(b"digits", b"di\0gits"),
    "control characters": text_of().encode().replace(b"digits", b"di\x1b[2Jgits"),
    "JSON with a comma too many": '{"network": "net.py:tiny",}',
    "a date beyond all": text_of() + "batch: 2020-99-99\n",
    "a name from the right to the left": text_of(name="a\u202eb"),
}
SPECIAL = {
    "a folder": a_folder,
    "a FIFO": a_fifo,
    "/dev/zero": a_link("/dev/zero"),
    "/dev/null": a_link("/dev/null"),
    "a link to itself": a_link("s.yaml"),
    "a link to nothing": a_link("absent"),
}
CHANGES = {
    "an unknown key": ({"nonsense": 1}, "nonsense"),
    "a key in upper case": ({"Network": "net.py:tiny"}, "Network"),
    "an unknown key with control characters": ({"a\x1b[2J": 1}, "known"),
    "a baseline of nobody": ({"baseline": "mbm8s"}, "baseline"),
    "names beside the specs": ({"names": {"mbm8s": "x"}}, "names"),
    "a name above the results": ({"name": "../../evil"}, "name"),
    "a name that is an absolute path": ({"name": "/tmp/evil"}, "name"),
    "a name of two dots": ({"name": ".."}, "name"),
    "a name with a backslash": ({"name": "a\\b"}, "name"),
    "a name of 300 letters": ({"name": "a" * 300}, "name"),
    "a group called all": ({"layers": {"groups": {"all": "*"}}}, "all"),
    "a group called none": ({"layers": {"groups": {"none": "*"}}}, "none"),
    "a group called as a layer": ({"layers": {"groups": {"0": "*"}}}, "0"),
    "a group with a bar": ({"layers": {"groups": {"a|b": "*"}}}, "groups"),
    "all that is a text": ({"layers": {"all": "no"}}, "all"),
    "no layer set": ({"layers": {"each": False, "all": False}}, "layers"),
    "a glob that matches nothing": ({"layers": {"each": "absent.*"}}, "absent"),
    "an unsigned multiplier": ({"specs": ["mbm8"]}, "mbm8s"),
    "a multiplier of nobody": ({"specs": ["nonsense"]}, "nonsense"),
    "a multiplier of 32 bits": ({"specs": ["mbm32s"]}, "32"),
    "two names for one multiplier": (
        {"specs": [{"spec": "mbm8s", "name": "a"}, {"spec": "mbm8s", "name": "b"}]},
        "specs",
    ),
    "one name for two multipliers": (
        {"specs": [{"spec": "mbm8s", "name": "a"}, {"spec": "mbm16s", "name": "a"}]},
        "specs",
    ),
    "another multiplier's name": ({"specs": [{"spec": "mbm8s", "name": "mbm16s"}]}, "specs"),
    "the name float": ({"specs": [{"spec": "mbm8s", "name": "float"}]}, "specs"),
    "a table that is absent": ({"specs": [{"table": "absent.csv"}]}, "absent.csv"),
    "a table without signs": ({"specs": [{"spec": "mbm8s", "signed": True}]}, "signed"),
    "metrics of nobody": ({"metrics": "accuracy"}, "metrics"),
    "metrics of depth for classes": ({"metrics": "depth"}, "depth"),
    "a quantizer of nobody": ({"quantizer": "int4"}, "quantizer"),
    "an algorithm of nobody": ({"algorithms": ["fast"]}, "fast"),
    "an algorithm that takes no layer": ({"algorithms": ["winograd"]}, "winograd"),
    "a data folder that is not given": ({"weights": "{data}/w.pt"}, "--data"),
    "a kind of data of nobody": ({"data": {"kind": "mnist"}}, "mnist"),
    "data without a kind": ({"data": {"seed": 0}}, "kind"),
    "more images than there are": ({"data": {"kind": "digits", "seed": 0, "images": 798}}, "797"),
    "10^18 images": ({"data": {"kind": "digits", "seed": 0, "images": 10**18}}, "images"),
    "10^18 rooms": ({"data": {"kind": "generated_rooms", "seed": 0, "images": 10**18}}, "images"),
    "rooms of 10^9 pixels a side": (
        {"data": {"kind": "generated_rooms", "seed": 0, "images": 1, "size": [10**9, 10**9]}},
        "size",
    ),
}
