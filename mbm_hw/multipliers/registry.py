"""The families by name: whoever adds one decorates its class, and nobody edits a list."""

import ast
import dataclasses
import difflib
import functools
import hashlib
import importlib
import importlib.util
import pkgutil
import re
import reprlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from mbm_hw.multipliers.parameters import parameter_of
from mbm_hw.multipliers.spec import FORMATS, FloatSpec, IntegerSpec, Spec

ENTRY_POINTS = "mbm_hw.families"
"""The entry-point group of other packages: each point names a class."""
MAX_SHOWN = 60
_BITS = {name: bits for bits, name in FORMATS.items()}


@dataclasses.dataclass(frozen=True)
class Family:
    """A family as the registry knows it.

    fixed : fields that the family's name decides. points : names of its design points, each with
    the identifier of its spec.
    """

    name: str
    kind: type[Spec]
    fixed: Mapping[str, object]
    points: Mapping[str, str]

    @property
    def key(self) -> str:
        """The name, `float_` before that of a float family: no two families have one key."""
        return f"float_{self.name}" if self.kind.is_float else self.name

    @property
    def fields(self) -> list[dataclasses.Field]:
        """The fields that the name leaves open."""
        return [field for field in dataclasses.fields(self.kind) if field.name not in self.fixed]

    def values(self, spec: Spec) -> tuple[int, ...]:
        """Return the spec's open fields as integers: a choice by its place among the choices."""
        return tuple(
            parameter.index(getattr(spec, field.name))
            if (parameter := parameter_of(field))
            else int(getattr(spec, field.name))
            for field in self.fields
        )

    def spec(self, values: Sequence[int]) -> Spec:
        """Return the spec whose open fields are these; a ValueError if there is none."""
        names = [field.name for field in self.fields]
        if len(values) != len(names):
            raise ValueError(f"{self.name} takes {', '.join(names)}, not {len(values)} values")
        found = dict(self.fixed)
        for field, value in zip(self.fields, values, strict=True):
            parameter = parameter_of(field)
            found[field.name] = parameter.at(value) if parameter else value
        if "signed" in names:
            found["signed"] = _boolean(found["signed"], f"{self.name}: signed")
        return self.kind(**found)


def _boolean(value: int, what: str) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{what} must be 0 or 1, not {value}")
    return bool(value)


_FAMILIES: dict[str, Family] = {}


def family(
    name: str, points: Sequence[str] | Mapping[str, str] = (), **fixed: object
) -> Callable[[type[Spec]], type[Spec]]:
    """Return a class decorator that makes a family known by `name`.

    points : identifiers of the design points that the catalog lists, those that papers compare; or
        a mapping from other names to identifiers.
    fixed : fields whose values the name stands for. Such a class is decorated once for each name,
        and its `family` is a property.

    A class that is no spec, or lacks the fields that a spec must have, is a TypeError. A name that
    another class has is a ValueError.
    """
    points = points if isinstance(points, Mapping) else {point: point for point in points}

    def register(kind: type[Spec]) -> type[Spec]:
        _check_kind(kind, name)
        entry = Family(name, kind, fixed, points)
        known = _FAMILIES.setdefault(entry.key, entry)
        if known.kind.__qualname__ != kind.__qualname__:
            raise ValueError(f"{name} is the family of {known.kind.__name__}")
        _FAMILIES[entry.key] = entry
        if not fixed:
            kind.family = name
        _forget()
        return kind

    return register


def _check_kind(kind, name):
    if not (isinstance(kind, type) and issubclass(kind, (IntegerSpec, FloatSpec))):
        raise TypeError(f"{kind!r} must be a subclass of IntegerSpec or FloatSpec")
    if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:
        raise TypeError(f"{kind.__name__} must be a dataclass(frozen=True)")
    needed = {"exponent_bits", "mantissa_bits"} if kind.is_float else {"signed"}
    if missing := needed - {field.name for field in dataclasses.fields(kind)}:
        raise TypeError(f"{kind.__name__} lacks the field {', '.join(sorted(missing))}")
    if not re.fullmatch("[a-z][a-z0-9]*", name):
        raise ValueError(f"a family's name is of lower-case letters and digits, not {name!r}")


def families() -> tuple[Family, ...]:
    """Return the families: those of this package by name, then those of others."""
    _discover()
    return tuple(_FAMILIES.values())


def specs_of(entry: Family) -> dict[str, Spec]:
    """Return a family's design points by name."""
    return {name: _parsed(point) for name, point in entry.points.items()}


@functools.cache
def catalog() -> dict[str, Spec]:
    """Return the design points of all families: integers, then floats; by width; exact first."""
    named = [item for entry in families() for item in specs_of(entry).items()]
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
        defaults). That file's code is run.

    An unknown name is a ValueError that lists the families; a known family with an illegal
    parameter is that spec's ValueError; a missing file is an OSError.
    """
    if ".py:" in name:
        return _from_file(name)
    if (spec := catalog().get(name)) is None and (spec := _parsed(name)) is None:
        close = difflib.get_close_matches(name[:MAX_SHOWN], CATALOG, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        known = ", ".join(entry.name for entry in families() if _is_named(entry.kind))
        raise ValueError(f"no multiplier is called {_shown(name)}{hint}; known families: {known}")
    return spec


def _shown(name):
    return reprlib.repr(name)


def _parsed(name: str) -> Spec | None:
    """Return the spec with this identifier, None if none can have it."""
    found = [match for entry in families() if (match := _words(entry, name))]
    # Of two families the longer name counts: alm and almsoa.
    for entry, fields, words in sorted(found, key=lambda match: -len(match[0].name)):
        return entry.kind(**entry.fixed, **fields, **_parameters(entry.kind, name, words))
    return None


def _is_named(kind: type[Spec]) -> bool:
    """Return whether a name says all of a spec: not of a table, which an array makes."""
    return bool({"width", "mantissa_bits"} & {field.name for field in dataclasses.fields(kind)})


def _words(entry: Family, name: str) -> tuple[Family, dict, list[str]] | None:
    if not _is_named(entry.kind):
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


def _parameters(kind: type[Spec], name: str, words: list[str]) -> dict[str, object]:
    parameters = {f.name: p for f in dataclasses.fields(kind) if (p := parameter_of(f))}
    found = {}
    for word in words:
        values = {field: p.value(word) for field, p in parameters.items() if field not in found}
        field = next((field for field, value in values.items() if value is not None), None)
        if field is None:
            known = ", ".join(parameters) or "none"
            raise ValueError(
                f"{_shown(name)}: {kind.__name__} has no parameter {_shown(word)}; it has {known}"
            )
        found[field] = values[field]
    missing = [
        f.name
        for f in dataclasses.fields(kind)
        if f.name in parameters
        and f.name not in found
        and f.default is dataclasses.MISSING
        and f.name not in _fixed_fields(kind)
    ]
    if missing:
        raise ValueError(f"{_shown(name)}: {kind.__name__} needs {', '.join(missing)}")
    return found


def _fixed_fields(kind) -> set[str]:
    return {field for entry in _FAMILIES.values() if entry.kind is kind for field in entry.fixed}


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
    return _names().get(spec, spec.identifier)


@functools.cache
def _names() -> dict[Spec, str]:
    return {spec: name for name, spec in CATALOG.items()}


def family_of(key: str) -> Family:
    """Return the family with this key; a ValueError that lists the keys if there is none."""
    if key not in _FAMILIES:
        _discover()
    if key not in _FAMILIES:
        known = ", ".join(sorted(_FAMILIES))
        raise ValueError(f"no family is called {_shown(key)}; known: {known}")
    return _FAMILIES[key]


def family_of_spec(spec: Spec) -> Family:
    """Return the family that a spec is of."""
    return family_of(f"float_{spec.family}" if spec.is_float else spec.family)


@functools.cache
def _discover():
    """Import this package's families, then those of other packages."""
    package = importlib.import_module("mbm_hw.multipliers")
    for module in pkgutil.iter_modules(package.__path__, "mbm_hw.multipliers."):
        importlib.import_module(module.name)
    for point in entry_points(group=ENTRY_POINTS):
        point.load()


def _forget():
    """Let what was derived from the families be derived anew: there is one more."""
    catalog.cache_clear()
    _names.cache_clear()


def _from_file(name: str) -> Spec:
    """Return the spec that `FILE:Class(...)` or `FILE:identifier` describes."""
    path, _, expression = name.rpartition(".py:")
    path = Path(f"{path}.py")
    module = load_file(path)
    match = re.fullmatch(r"([A-Za-z_]\w*)(?:\((.*)\))?", expression, re.ASCII)
    kind = getattr(module, match[1], None) if match else None
    if kind is None:
        known = ", ".join(_classes(module)) or "none"
        raise ValueError(f"{path} has no family {_shown(expression)}; it has {known}")
    if not (isinstance(kind, type) and issubclass(kind, Spec)):
        raise ValueError(f"{path}: {match[1]} must be a class decorated with @family")
    try:
        spec = kind(**_arguments(match[2] or ""))
    except (TypeError, SyntaxError) as error:
        raise ValueError(f"{name}: {error}") from error
    return spec


def _classes(module: ModuleType) -> list[str]:
    own = {name: kind for name, kind in vars(module).items() if isinstance(kind, type)}
    return [
        name
        for name, kind in own.items()
        if issubclass(kind, Spec) and kind.__module__ == module.__name__
    ]


def _arguments(text: str) -> dict[str, object]:
    call = ast.parse(f"f({text})", mode="eval").body
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        raise ValueError(f"parameters are written name=value, not {text!r}")
    try:
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        raise ValueError(f"parameters must be numbers, True, False or text, not {text!r}") from None


def load_file(path: Path) -> ModuleType:
    """Return the module in the Python file `path`, run once in this process for its content.

    A missing file is an OSError; whatever its code raises is a ValueError that names the file.
    """
    content = path.read_bytes()
    digest = hashlib.sha256(str(path.resolve()).encode() + content).hexdigest()[:12]
    module_name = f"mbm_hw_family_{path.stem}_{digest}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    specification = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[module_name] = module
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a stranger's code may raise anything
        del sys.modules[module_name]
        raise ValueError(f"{path}: {type(error).__name__}: {error}") from error
    for name in _classes(module):
        getattr(module, name).source = f"{path.resolve()}:{name}"
    return module
