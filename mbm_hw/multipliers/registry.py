"""The families by name: whoever adds one decorates its class, and nobody edits a list."""

import collections
import copyreg
import dataclasses
import functools
import importlib.metadata
import re
import reprlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from mbm_hw.multipliers.parameters import parameter_of
from mbm_hw.multipliers.spec import FloatSpec, IntegerSpec, Spec
from mbm_hw.system import user_code
from mbm_hw.system.discovery import import_modules

ENTRY_POINTS = "mbm_hw.families"
"""The entry-point group of other packages: each point names a class."""
PACKAGE = "mbm_hw.multipliers"
"""The package of our own families."""


@dataclasses.dataclass(frozen=True, eq=False)
class Family:
    """A family as the registry knows it.

    fixed : fields that the family's name decides. points : names of its design points, each with
    the identifier of its spec. edition : a number that rises when a class of the same file takes
    the place of an older one, as in a notebook.
    """

    name: str
    kind: type[Spec]
    fixed: Mapping[str, object]
    points: Mapping[str, str]
    edition: int = 0

    @property
    def label(self) -> str:
        """The name, `float_` before that of a float family: no two families share it."""
        return f"float_{self.name}" if self.kind.is_float else self.name

    @property
    def key(self) -> str:
        """The label and, of a class that replaced another, the edition: no two classes share it."""
        return f"{self.label}#{self.edition}" if self.edition else self.label

    @property
    def is_own(self) -> bool:
        """True for a family of this package, not of the user's or of another package."""
        return self.kind.__module__.startswith(f"{PACKAGE}.")

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


_FAMILIES: dict[str, Family] = {}  # label -> its newest class
_EDITIONS: dict[str, Family] = {}  # key -> every class
_BY_KIND: dict[tuple[type[Spec], str], Family] = {}  # class and name
_REGISTERED = collections.Counter()  # classes that there ever were, by label


def family(
    name: str, points: Sequence[str] | Mapping[str, str] = (), **fixed: object
) -> Callable[[type[Spec]], type[Spec]]:
    """Return a class decorator that makes a family known by `name`.

    points : identifiers of the design points that the catalog lists, those that papers compare; or
        a mapping from other names to identifiers.
    fixed : fields whose values the name stands for. Such a class is decorated once for each name,
        and its `family` is a property.

    A class that is no spec, or lacks the fields that a spec must have, is a TypeError. A name that
    a class of another file has is a ValueError. A class of the same file and name is taken for a
    newer edition.
    """
    points = points if isinstance(points, Mapping) else {point: point for point in points}

    def register(kind: type[Spec]) -> type[Spec]:
        _check_kind(kind, name)
        entry = Family(name, kind, fixed, points)
        if (known := _FAMILIES.get(entry.label)) and _origin(known.kind) != _origin(kind):
            where = " in ".join(_origin(known.kind))
            raise ValueError(f"{name!r} is the family of {where}: give yours another name")
        entry = dataclasses.replace(entry, edition=_REGISTERED[entry.label])
        _REGISTERED[entry.label] += 1
        _FAMILIES[entry.label] = _EDITIONS[entry.key] = _BY_KIND[kind, name] = entry
        if not fixed:
            kind.family = name
        if file := user_code.file_of(kind.__module__):
            kind.source = f"{file}:{kind.__name__}"
            copyreg.pickle(kind, lambda spec: (_of_file, (kind.source, spec.parameters)))
        return kind

    return register


def load_file(path: Path, name: str) -> ModuleType:
    """Return the module in the Python file `path`: run once, and anew after it has changed.

    name : `FILE.py:...`, with which errors begin. A missing file is an OSError; whatever its
    code raises is a ValueError. Of a file that fails no family stays known.
    """
    families()  # ours come first: a name that one of them has is refused
    held = state()
    try:
        return user_code.load_module(path, name)
    except ValueError:
        restore(held)
        raise


def _of_file(source: str, parameters: Mapping[str, object]) -> Spec:
    """Return the spec of a class in a user's file, which another process must run first."""
    path, _, kind = source.rpartition(":")
    return getattr(load_file(Path(path), source), kind)(**parameters)


def _origin(kind: type[Spec]) -> tuple[str, str]:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return kind.__qualname__, file or kind.__module__


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
    own_families()
    _load_entry_points()
    return tuple(_FAMILIES.values())


def own_families() -> tuple[Family, ...]:
    """Return the families of this package, by name; those of other packages are not loaded."""
    _discover()
    return tuple(entry for entry in _FAMILIES.values() if entry.is_own)


def family_of(key: str) -> Family:
    """Return the family with this key; a ValueError that lists the keys if there is none."""
    if key not in _EDITIONS:
        families()
    if key not in _EDITIONS:
        known = ", ".join(sorted(_EDITIONS))
        raise ValueError(f"no family is called {reprlib.repr(key)}; known: {known}")
    return _EDITIONS[key]


def family_of_spec(spec: Spec) -> Family:
    """Return the family that a spec is of; a ValueError if its class is not decorated with @family.

    Of a class that inherits from a family's this is not that family: it has other products.
    """
    kind = type(spec)
    if (entry := _BY_KIND.get((kind, getattr(spec, "family", "")))) is None:
        raise ValueError(f"{kind.__name__} must be decorated with @family")
    return entry


@functools.cache
def _discover():
    import_modules(PACKAGE)


@functools.cache
def _load_entry_points():
    """Load the families of other packages: not when ours is imported, which they import."""
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:  # another package's code may raise anything
            where = f"the entry point {point.name} = {point.value} of {_distribution(point)}"
            raise ValueError(f"{where}: {type(error).__name__}: {error}") from error


def _distribution(point: importlib.metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else "a package"


def state() -> tuple[dict, ...]:
    """Return copies of what the registry holds, for `restore`."""
    return tuple(map(dict, (_FAMILIES, _EDITIONS, _BY_KIND)))


def restore(held: tuple[dict, ...]) -> None:
    """Forget the families that were added since `held` was the `state`."""
    for registry, before in zip((_FAMILIES, _EDITIONS, _BY_KIND), held, strict=True):
        registry.clear()
        registry.update(before)
