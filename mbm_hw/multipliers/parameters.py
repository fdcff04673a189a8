"""The parameters of a family: a field's legal values, and its word in the multiplier's name."""

import dataclasses
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Bound = int | Callable[[Any], int]


def checked_integer(what: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int; a ValueError that begins with `what` if it is none in the range."""
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        is_long = number is not None and number.bit_length() > 256
        came = f"one of {number.bit_length()} bits" if is_long else repr(value)
        raise ValueError(f"{what} must be an integer {low} to {high}, not {came}")
    return number


def checked_boolean(what: str, value: object) -> bool:
    """Return `value` as a bool; a ValueError that begins with `what` if it is none."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{what} must be True or False, not {value!r}")
    return bool(value)


@dataclass(frozen=True)
class Integer:
    """An integer parameter, `low` to `high`; its word is `prefix` and the value: `k6`.

    low, high : numbers, or functions of the spec, whose earlier fields have been checked. step :
        legal values are high, high - step and so on. The word is left out at a default value.
    """

    prefix: str
    low: Bound
    high: Bound
    step: int

    def checked(self, what: str, value: object, spec) -> int:
        low, high = (end(spec) if callable(end) else end for end in (self.low, self.high))
        number = checked_integer(what, value, low, high)
        if (high - number) % self.step:
            legal = ", ".join(map(str, range(high, low - 1, -self.step)))
            raise ValueError(f"{what} must be one of {legal}, not {number}")
        return number

    def legal(self, spec) -> range:
        """Return the legal values for a spec with the same earlier fields."""
        low, high = (end(spec) if callable(end) else end for end in (self.low, self.high))
        return range(high - (high - low) // self.step * self.step, high + 1, self.step)

    def index(self, value: int) -> int:
        """Return the integer that stands for a value: itself."""
        return int(value)

    def at(self, index: int) -> int:
        """Return the value that an integer stands for: itself."""
        return index

    def word(self, value: int, default: object) -> str:
        return "" if value == default else f"{self.prefix}{value}"

    def value(self, word: str) -> int | None:
        """Return what a word of a name stands for; None if it is no word of this parameter."""
        match = re.fullmatch(rf"{self.prefix}(\d{{1,100}})", word, re.ASCII)
        return int(match[1]) if match else None


@dataclass(frozen=True)
class Choice:
    """A parameter that is one of a few values, each with its word in the name; "" is left out.

    is_legal : a function of the spec and one of the values; by default all are legal.
    """

    words: dict[object, str]
    is_legal: Callable[[Any, object], bool] = lambda spec, value: True

    def checked(self, what: str, value: object, spec) -> object:
        is_flag, legal = set(self.words) == {False, True}, self.legal(spec)
        if is_flag:
            value = checked_boolean(what, value)
        if (isinstance(value, (bool, np.bool_)) and not is_flag) or value not in legal:
            known = ", ".join(map(repr, legal))
            known = known if len(legal) == 1 else f"one of {known}"
            raise ValueError(f"{what} must be {known}, not {value!r}")
        return value

    def legal(self, spec) -> list:
        """Return the legal values for a spec with the same earlier fields."""
        return [value for value in self.words if self.is_legal(spec, value)]

    def index(self, value: object) -> int:
        """Return the integer that stands for a value: its place among the choices."""
        return list(self.words).index(value)

    def at(self, index: int) -> object:
        """Return the value that an integer stands for; a ValueError if there is none."""
        if not 0 <= index < len(self.words):
            raise ValueError(f"a choice must be 0 to {len(self.words) - 1}, not {index}")
        return list(self.words)[index]

    def word(self, value: object, default: object) -> str:
        return self.words[value]

    def value(self, word: str) -> object:
        """Return what a word of a name stands for; None if it is no word of this parameter."""
        return next((value for value, known in self.words.items() if known == word), None)


def integer(prefix: str, low: Bound, high: Bound, step: int = 1, default=dataclasses.MISSING):
    """Return the field of an `Integer` parameter."""
    return dataclasses.field(
        default=default, metadata={"parameter": Integer(prefix, low, high, step)}
    )


def choice(words: dict, default=dataclasses.MISSING):
    """Return the field of a `Choice` parameter; words : value -> its word in the name."""
    return dataclasses.field(default=default, metadata={"parameter": Choice(words)})


def flag(word: str, can_be_true: Callable[[Any], bool] = lambda spec: True):
    """Return the field of a parameter that is True or False, False by default.

    can_be_true : a function of the spec, whose earlier fields and `signed` have been checked.
    """
    parameter = Choice({False: "", True: word}, lambda spec, value: not value or can_be_true(spec))
    return dataclasses.field(default=False, metadata={"parameter": parameter})


def parameter_of(field: dataclasses.Field) -> Integer | Choice | None:
    """Return the parameter that a field is, None for widths and signs."""
    return field.metadata.get("parameter")


def with_parameters(kind: type, fields: Mapping[str, object], choose: Callable):
    """Return the spec of class `kind` with these fields; choose(name, legal) gives each parameter.

    fields : the width, the sign, and whatever else is known. legal : the parameter's legal values,
        ascending, given the fields in front of it. ValueError if there are none, or if the spec
        refuses a field.
    """
    draft = object.__new__(kind)
    vars(draft).update(fields)
    for field in dataclasses.fields(kind):
        if field.name not in fields and (parameter := parameter_of(field)):
            legal = parameter.legal(draft)
            if not legal:
                raise ValueError(f"{kind.__name__}: no {field.name} is legal with {dict(fields)}")
            vars(draft)[field.name] = choose(field.name, legal)
    return kind(**vars(draft))


def clipped(spec, **fields: object):
    """Return `spec` with other `fields`, its other parameters the nearest that are legal then."""
    own = spec.parameters
    kept = {f.name: own[f.name] for f in dataclasses.fields(spec) if not parameter_of(f)}

    def nearest(name, legal):
        if own[name] in legal or not isinstance(own[name], int):
            return own[name]
        return min(legal, key=lambda value: abs(value - own[name]))

    return with_parameters(type(spec), kept | fields, nearest)
