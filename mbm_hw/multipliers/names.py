"""Specs by their names: the catalog, identifiers, and families of the user's own files."""

import ast
import dataclasses
import difflib
import functools
import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from mbm_hw.multipliers.parameters import parameter_of
from mbm_hw.multipliers.registry import Family, families, load_file
from mbm_hw.multipliers.spec import FORMATS, Spec
from mbm_hw.system import user_code

MAX_SHOWN = 60
_BITS = {name: bits for bits, name in FORMATS.items()}


def specs_of(entry: Family) -> dict[str, Spec]:
    """Return a family's design points by name."""
    return {name: parsed(point) for name, point in entry.points.items()}


def catalog() -> dict[str, Spec]:
    """Return the design points of all families: integers, then floats; by width; exact first."""
    return _catalog(families())


@functools.lru_cache(maxsize=1)
def _catalog(entries: tuple[Family, ...]) -> dict[str, Spec]:
    named = [item for entry in entries for item in specs_of(entry).items()]
    named.sort(key=lambda item: _order(*item))
    return dict(named)


def _order(name: str, spec: Spec):
    return spec.is_float, spec.width, not spec.is_exact, spec.family, spec.signed, name


class _Catalog(Mapping):
    """The named specs, by name; read-only, made when it is first looked at."""

    def __getitem__(self, name):
        return catalog()[name]

    def __iter__(self):
        return iter(catalog())

    def __len__(self):
        return len(catalog())

    def __repr__(self):
        return f"CATALOG({', '.join(self)})"


CATALOG: Mapping[str, Spec] = _Catalog()


def find_spec(name: str) -> Spec:
    """Return the spec called `name`.

    name : a catalog name; any identifier, as mbm10s_t1, drum16_k6, mbm_e4m3; or a family of the
        user's own, as `my.py:Mine(width=8, k=4)` (without parentheses where all fields have
        defaults) or by its identifier, `my.py:mine8_k4`. That file's code is run.

    An unknown name is a ValueError that lists the families; a known family with an illegal
    parameter is that spec's ValueError; a missing file is an OSError. Whatever the user's code
    raises is a ValueError that names the file and the line.
    """
    if is_of_file(name):
        return _from_file(name)
    if (spec := catalog().get(name)) is None and (spec := parsed(name)) is None:
        close = difflib.get_close_matches(name[:MAX_SHOWN], CATALOG, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        known = ", ".join(entry.name for entry in families() if is_named(entry.kind))
        raise ValueError(f"no multiplier is called {shown(name)}{hint}; known families: {known}")
    return spec


def shown(name: str) -> str:
    """Return a name as errors show it: quoted, and not too long."""
    return reprlib.repr(name)


def parsed(name: str) -> Spec | None:
    """Return the spec with this identifier, None if none can have it."""
    found = [match for entry in families() if (match := _words(entry, name))]
    # Of two families the longer name counts: alm and almsoa.
    for entry, fields, words in sorted(found, key=lambda match: -len(match[0].name)):
        return entry.kind(**entry.fixed, **fields, **_parameters(entry, name, words))
    return None


def is_named(kind: type[Spec]) -> bool:
    """Return whether a name says all of a spec: not of a table, which an array makes."""
    return bool({"width", "mantissa_bits"} & {field.name for field in dataclasses.fields(kind)})


def _words(entry: Family, name: str) -> tuple[Family, dict, list[str]] | None:
    if not is_named(entry.kind):
        return None
    if entry.kind.is_float:
        formats = "|".join(_BITS)
        match = re.fullmatch(rf"{entry.name}_({formats}|e\d+m\d+)((?:_\w+)?)", name, re.ASCII)
        if match is None:
            return None
        bits = _BITS.get(match[1]) or tuple(map(int, re.findall(r"\d+", match[1])))
        fields = dict(zip(("exponent_bits", "mantissa_bits"), bits, strict=True))
    else:
        gap = "_" if entry.name[-1].isdigit() else ""
        match = re.fullmatch(rf"{entry.name}{gap}(\d{{1,100}})(s?)((?:_\w+)?)", name, re.ASCII)
        if match is None:
            return None
        fields = {"width": int(match[1]), "signed": bool(match[2])}
    return entry, fields, match[match.lastindex].split("_")[1:]


def _parameters(entry: Family, name: str, words: list[str]) -> dict[str, object]:
    kind = entry.kind.__name__
    parameters = {field.name: p for field in entry.fields if (p := parameter_of(field))}
    found = {}
    for word in words:
        values = {field: p.value(word) for field, p in parameters.items() if field not in found}
        field = next((field for field, value in values.items() if value is not None), None)
        if field is None:
            known = ", ".join(parameters) or "none"
            raise ValueError(
                f"{shown(name)}: {kind} has no parameter {shown(word)}; it has {known}"
            )
        found[field] = values[field]
    missing = [
        field.name
        for field in entry.fields
        if field.name in parameters.keys() - found.keys() and field.default is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{shown(name)}: {kind} needs {', '.join(missing)}")
    return found


def as_spec(spec: Spec | str) -> Spec:
    """Return `spec`, or the spec of that name (`find_spec`): wherever a spec is taken.

    Anything but a spec or a string is a TypeError.
    """
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, str):
        return find_spec(spec)
    came = " ".join(reprlib.repr(spec).split())
    raise TypeError(
        f"spec must be a multiplier spec such as MBM(8) or a name such as 'mbm8s', not {came}"
    )


def spec_name(spec: Spec | str) -> str:
    """Return the spec's name in the catalog, or its identifier if it has none there."""
    spec = as_spec(spec)
    return _names(families()).get(spec, spec.identifier)


@functools.lru_cache(maxsize=1)
def _names(entries: tuple[Family, ...]) -> dict[Spec, str]:
    return {spec: name for name, spec in _catalog(entries).items()}


def is_of_file(name: str) -> bool:
    """Return whether a name is of a file of the user's: `FILE.py:...`."""
    return ".py:" in name


def in_file(name: str) -> tuple[Path, str]:
    """Return the file of `FILE.py:EXPRESSION`, and the expression."""
    path, _, expression = name.partition(".py:")
    return Path(f"{path}.py"), expression


def families_in(name: str) -> list[Family]:
    """Return the families of `FILE.py:Class`, by the names that its class is decorated with.

    A file without this class, or an undecorated class, is a ValueError.
    """
    path, word = in_file(name)
    module = load_file(path, name)
    kind = getattr(module, word, None)
    own = [entry for entry in families() if entry.kind is kind]
    if not own:
        if isinstance(kind, type):
            raise ValueError(f"{path}: {word} must be decorated with @family")
        known = [entry.kind.__name__ for entry in families() if entry.kind in _classes(module)]
        raise ValueError(f"{path} has no family {shown(word)}; it has {', '.join(known) or 'none'}")
    return own


def _from_file(name: str) -> Spec:
    """Return the spec that `FILE:Class(...)` or `FILE:identifier` describes."""
    path, expression = in_file(name)
    match = re.fullmatch(r"([A-Za-z_]\w*)(?:\((.*)\))?", expression, re.ASCII)
    word = match[1] if match else expression
    module = load_file(path, name)
    if match and not match[2] and not hasattr(module, word):
        with user_code.running(name, path):
            spec = parsed(word)
        if spec is not None and type(spec) in _classes(module):
            return spec
    families_in(f"{path}:{word}")
    with user_code.running(name, path):
        try:
            return getattr(module, word)(**_arguments(match[2] or ""))
        except (TypeError, SyntaxError) as error:
            raise ValueError(str(error)) from error


def _classes(module: ModuleType) -> list[type]:
    return [kind for kind in vars(module).values() if isinstance(kind, type)]


def _arguments(text: str) -> dict[str, object]:
    call = ast.parse(f"f({text})", mode="eval").body
    is_call = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    if not is_call or call.args or not all(keyword.arg for keyword in call.keywords):
        raise ValueError(f"parameters are written name=value, not {text!r}")
    try:
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        raise ValueError(f"parameters must be numbers, True, False or text, not {text!r}") from None
