"""The families' published vectors and their oracles: `tests/test_family_vectors.py` tries them.

Each family has a module here, called as the family. It has `VECTORS`, a list of `Vectors`, and
`oracle(spec, a, b)`: one product of magnitudes (values with signs, where the spec takes them) in
Python's integers and fractions, written from the definition alone.
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

from mbm_hw.multipliers import families
from mbm_hw.multipliers.parameters import parameter_of

PAIRS = {
    8: ((100, 200), (183, 91), (3, 3), (255, 255), (7, 6), (1, 255)),
    16: ((40000, 50000), (12345, 54321), (65535, 65535), (300, 7)),
}
"""The pairs of operands that the vectors are of, by width."""


class Vectors(NamedTuple):
    """Known products and errors of one multiplier.

    spec : its identifier. products : those of `pairs`, or of the PAIRS of its width. sum : of the
    whole product table. bias, mred, peak_min, peak_max : in percent, over nonzero operands.
    """

    spec: str
    products: tuple[int, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    sum: int | None = None
    bias: float | None = None
    mred: float | None = None
    peak_min: float | None = None
    peak_max: float | None = None


def modules() -> dict[str, ModuleType]:
    """Return the modules of this package by the names of their families."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in found}


def kind_of(family: str) -> type:
    """Return the class of an integer family."""
    return next(f.kind for f in families() if f.name == family and not f.kind.is_float)


def widths_of(kind: type) -> range:
    """Return the legal widths of an integer family."""
    step = kind.WIDTH_STEP
    return range(-(-kind.MIN_WIDTH // step) * step, kind.MAX_WIDTH + 1, step)


def legal_specs(kind: type, width: int, signed: bool) -> Iterator:
    """Yield the specs of this width with all legal parameters."""
    parameters = {f.name: p for f in dataclasses.fields(kind) if (p := parameter_of(f))}
    yield from _specs(kind, list(parameters.items()), {"width": width, "signed": signed})


def _specs(kind, parameters, fields):
    if not parameters:
        yield kind(**fields)
        return
    (name, parameter), *others = parameters
    for value in parameter.legal(SimpleNamespace(**fields)):
        yield from _specs(kind, others, fields | {name: value})
