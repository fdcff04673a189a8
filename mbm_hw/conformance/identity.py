"""Checks of names and parameters: a spec is found by its name, and illegal ones are refused."""

import copy
import dataclasses
import pickle
import re
from collections.abc import Iterator, Sequence

from mbm_hw.conformance.checks import Failure, of_family, of_spec
from mbm_hw.multipliers import Spec, find_spec, spec_name
from mbm_hw.multipliers.names import is_named
from mbm_hw.multipliers.parameters import Integer, parameter_of
from mbm_hw.multipliers.registry import Family

MAX_NAME = 60
"""Characters of an identifier: it is a file's and a Verilog module's name."""
_KNOWN = {"width", "signed", "exponent_bits", "mantissa_bits"}


@of_spec
def check_names(spec: Spec):
    """A spec's identifier is a legal name of files and modules, and finds the spec again."""
    name = spec.identifier
    if not re.fullmatch(rf"[a-z][a-z0-9_]{{0,{MAX_NAME - 1}}}", name, re.ASCII):
        raise Failure(f"{name!r} must be lower-case letters, digits and _, at most {MAX_NAME}")
    if not is_named(type(spec)):
        return
    for text in (name, spec_name(spec)):
        if (found := find_spec(text)) != spec:
            raise Failure(f"find_spec({text!r}) is {found!r}, not {spec!r}")
    kind = type(spec)
    try:
        again = eval(repr(spec), {kind.__name__: kind})
    except (NameError, SyntaxError, TypeError) as error:
        raise Failure(f"repr {spec!r} cannot be evaluated: {error}") from error
    if again != spec:
        raise Failure(f"repr {spec!r} evaluates to {again!r}")


@of_spec
def check_copies(spec: Spec):
    """A spec is frozen; its copies and pickles are equal to it, and hash alike."""
    for how, copied in (
        ("copy", copy.copy(spec)),
        ("deepcopy", copy.deepcopy(spec)),
        ("pickle", pickle.loads(pickle.dumps(spec))),
    ):
        if copied != spec or hash(copied) != hash(spec):
            raise Failure(f"a {how} of {spec!r} is {copied!r}, or has another hash")
    try:
        spec.signed = spec.signed
    except AttributeError:
        return
    raise Failure(f"{spec!r} is not frozen: signed can be set")


@of_family
def check_parameters(entry: Family, specs: Sequence[Spec]):
    """Every field is checked; an illegal value is refused with class, field, range and value."""
    kind = entry.kind
    if is_named(kind):
        for field in entry.fields:
            if field.name not in _KNOWN and parameter_of(field) is None:
                raise Failure(
                    f"{kind.__name__}: the field {field.name} must be an integer(...), flag(...) "
                    "or choice(...)"
                )
    for spec in specs:
        for name, value, bounds in _illegal(spec):
            _check_refused(spec, name, value, bounds)


def _illegal(spec: Spec) -> Iterator[tuple[str, object, tuple[int, ...]]]:
    """Yield fields, illegal values of them, and the bounds that the error must give."""
    kind = type(spec)
    bounds = {f.name: (2, 8) if f.name == "exponent_bits" else () for f in dataclasses.fields(kind)}
    if not spec.is_float and "width" in bounds:
        bounds["width"] = kind.MIN_WIDTH, kind.MAX_WIDTH
    for field in dataclasses.fields(kind):
        parameter = parameter_of(field)
        if isinstance(parameter, Integer):
            legal = parameter.legal(spec)
            bounds[field.name] = legal[0], legal[-1]
        if (ends := bounds[field.name]) and is_named(kind):
            for value in (ends[0] - 1, ends[1] + 1, 1.5, None, "x"):
                yield field.name, value, ends
        elif parameter is not None:
            yield field.name, "no such value", ()


def _check_refused(spec: Spec, name: str, value: object, bounds: tuple[int, ...]):
    what = f"{type(spec).__name__}: {name}"
    try:
        dataclasses.replace(spec, **{name: value})
    except ValueError as error:
        message = str(error)
    except Exception as error:  # the family's own code may raise anything
        raise Failure(f"{what}={value!r} must be a ValueError, not {error!r}") from error
    else:
        raise Failure(f"{spec!r}: {name}={value!r} is not refused")
    for part in (what, repr(value), *map(str, set(bounds))):
        if part not in message:
            raise Failure(f"the error for {name}={value!r} must have {part!r}: {message!r}")
