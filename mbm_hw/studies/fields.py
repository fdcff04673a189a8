"""Checks of values against annotations: of dataclasses' fields, and of documents read from files.

An annotation may be a type, a union, a Literal, a sequence, a mapping, a TypedDict, or any of them
Annotated with a `Rule`. An error names the key, says what was expected, and what came.
"""

import dataclasses
import functools
import reprlib
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

LONGEST_LABEL = 40

_WORDS = {
    int: "an integer",
    float: "a finite number",
    str: "text",
    bool: "true or false",
    types.NoneType: "null",
    Mapping: "a mapping of keys to values",
    Sequence: "a list",
    tuple: "a list",
}


@dataclass(frozen=True)
class Rule:
    """A rule for the values of a type. expected : in words, what `holds` is true for."""

    expected: str
    holds: Callable[[Any], bool]


def at_least(least: int, most: int = 2**63 - 1) -> Rule:
    """Return the rule of integers from `least` to `most`."""
    bound = "" if most == 2**63 - 1 else f" and at most {most}"
    return Rule(f"an integer of at least {least}{bound}", lambda value: least <= value <= most)


Text = Annotated[str, Rule("printable text", lambda text: len(text) > 0 and text.isprintable())]

Label = Annotated[
    str,
    Rule(
        f"a name of 1 to {LONGEST_LABEL} printable characters that begins with a letter or a digit "
        "and has no | and no $",
        lambda text: (
            0 < len(text) <= LONGEST_LABEL
            and text.isprintable()
            and text[0].isalnum()
            and text == text.strip()
            and not set("|$") & set(text)
        ),
    ),
]
"""A name that tables, pictures and files can show."""


def check_fields(instance, prefix: str = "") -> None:
    """Raise a ValueError if a field of a dataclass is not what its annotation says.

    prefix : what stands before the field's name in the error, such as `layers.`
    """
    for name, kind in _hints(type(instance)).items():
        check(getattr(instance, name), kind, f"{prefix}{name}")


def check(value: Any, kind: Any, where: str) -> None:
    """Raise a ValueError that names `where` if `value` is not what the annotation `kind` says.

    A mapping that a TypedDict describes may have further keys.
    """
    base, rules = _parts(kind)
    if not _is(value, base):
        raise ValueError(f"{where} must be {_expected(kind)}, not {found(value)}")
    for rule in rules:
        if not rule.holds(value):
            raise ValueError(f"{where} must be {rule.expected}, not {found(value)}")
    origin, arguments = typing.get_origin(base), typing.get_args(base)
    if _is_union(base):
        check(value, next(option for option in arguments if _is(value, option)), where)
    elif typing.is_typeddict(base):
        for key, item_kind in _hints(base).items():
            if key not in value:
                raise ValueError(f"{where} must have the key {key!r}")
            check(value[key], item_kind, f"{where}.{key}")
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        for key, item in value.items():
            check(key, arguments[0], f"the key {found(key)} of {where}")
            check(item, arguments[1], f"{where}.{key}")
    elif isinstance(origin, type) and issubclass(origin, Sequence):
        for index, item in enumerate(value):
            check(item, arguments[0], f"{where}[{index}]")


def json_kind(kind: Any) -> Any:
    """Return the annotation of what `write_json` makes of a value of `kind`.

    A dataclass becomes a mapping of its fields, a tuple a list, and a float may be null.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        fields = {name: json_kind(item) for name, item in _hints(kind).items()}
        return TypedDict(kind.__name__, fields)
    if kind is float:
        return float | None
    if _is_union(kind):
        return typing.Union[tuple(map(json_kind, arguments))]  # noqa: UP007
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Mapping[str, json_kind(arguments[1])]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return Sequence[json_kind(arguments[0])]
    return kind


def construct(kind: type, arguments: Any, title: str):
    """Return the dataclass `kind(**arguments)`, whose `title` errors name.

    A ValueError names a key that is unknown or missing, and lists the known ones.
    """
    if not isinstance(arguments, Mapping):
        raise ValueError(f"{title} must be a mapping of keys to values, not {found(arguments)}")
    fields = dataclasses.fields(kind)
    known = [f.name for f in fields]
    missing = dataclasses.MISSING
    required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
    for key in arguments:
        if key not in known:
            raise ValueError(f"{title} has no key {found(key)}; known: {', '.join(known)}")
    for key in required:
        if key not in arguments:
            raise ValueError(f"{title} needs the key {key!r}; known: {', '.join(known)}")
    return kind(**arguments)


@functools.cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _parts(kind):
    """Return the type that is annotated, and its rules."""
    if typing.get_origin(kind) is Annotated:
        base, *rules = typing.get_args(kind)
        return base, rules
    return kind, []


def _is_union(kind) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _is(value, kind) -> bool:
    """Return whether `value` is of that kind, its items and its rules not looked at."""
    kind, _ = _parts(kind)
    if kind is Any:
        return True
    if _is_union(kind):
        return any(_is(value, option) for option in typing.get_args(kind))
    if typing.get_origin(kind) is Literal:
        return any(type(value) is type(a) and value == a for a in typing.get_args(kind))
    if kind is int:
        return type(value) is int
    if kind is float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and abs(value) <= sys.float_info.max
    if typing.is_typeddict(kind):
        return isinstance(value, Mapping)
    kind = typing.get_origin(kind) or kind
    return isinstance(value, kind) and not (kind is Sequence and isinstance(value, (str, bytes)))


def _expected(kind) -> str:
    kind, rules = _parts(kind)
    if rules:
        return rules[0].expected
    if _is_union(kind):
        return " or ".join(map(_expected, typing.get_args(kind)))
    if typing.get_origin(kind) is Literal:
        return " or ".join(str(a).lower() for a in typing.get_args(kind))
    if typing.is_typeddict(kind):
        return _WORDS[Mapping]
    kind = typing.get_origin(kind) or kind
    return _WORDS.get(kind) or f"a {kind.__name__}"


_QUOTING = reprlib.Repr()
_QUOTING.maxstring = _QUOTING.maxother = 60


def found(value: Any) -> str:
    """Return a value as an error quotes it: short."""
    return _QUOTING.repr(value)
