"""The design points of the atlas: those that the families list, and a sweep beside them.

Nothing here names a family: a new one brings its points in its own file (`registry.family`).
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mbm_hw.multipliers import CATALOG, Spec, Table, spec_name
from mbm_hw.multipliers.evoapprox import circuit_tables
from mbm_hw.multipliers.parameters import Integer, parameter_of

WIDTHS = (8, 16)
"""Bits of an operand."""
SWEPT_WIDTH = 8
EXACT, LISTED, SWEPT, LIBRARY = "exact", "family", "sweep", "library"


@dataclass(frozen=True)
class Point:
    """A multiplier of the atlas.

    name : how outputs name it. family : the family's name, or the library's.
    origin : EXACT, LISTED by its family, SWEPT beside a listed one, or of a LIBRARY of tables.
    spec : the multiplier whose errors and price are shown.
    network : the signed multiplier that layers take in its place, which has the same products with
        the signs put on; None if there is none. Layers' codes are symmetric, so the network sees
        the numbers that the unsigned core would give it between signs and magnitudes.
    """

    name: str
    family: str
    origin: str
    spec: Spec
    network: Spec | None


def design_points() -> list[Point]:
    """Return the families' points of the atlas, each once; by width, exact ones first.

    They are the catalog's multipliers of WIDTHS and, at SWEPT_WIDTH, the neighbours of each
    family's first one; and the exact counterparts of all. Integer ones are unsigned where their
    family is: the cores that papers price.
    """
    listed = dict.fromkeys(unsigned(spec) for spec in CATALOG.values() if spec.width in WIDTHS)
    first = {}
    for spec in listed:
        if spec.width == SWEPT_WIDTH:
            first.setdefault((spec.family, spec.is_float), spec)
    origins = dict.fromkeys((spec.exact() for spec in listed), EXACT)
    for spec in listed:
        origins.setdefault(spec, LISTED)
    for spec in first.values():
        for near in neighbours(spec):
            origins.setdefault(near, SWEPT)
    points = [
        Point(spec_name(spec), spec.family, origin, spec, with_signs(spec))
        for spec, origin in origins.items()
    ]
    return sorted(points, key=lambda p: (p.spec.width, p.spec.is_float, p.origin != EXACT))


def library_points(file: str | Path) -> list[Point]:
    """Return the product tables that the CSV file of a library lists; see `circuit_tables`."""
    return [
        Point(name, "EvoApproxLib", LIBRARY, table, table if table.signed else signed_table(table))
        for name, table in circuit_tables(file).items()
    ]


def neighbours(spec: Spec) -> list[Spec]:
    """Return the specs whose last integer parameter is one legal step from that of `spec`."""
    found = [
        (field.name, parameter.legal(spec))
        for field in dataclasses.fields(spec)
        if isinstance(parameter := parameter_of(field), Integer)
    ]
    if not found:
        return []
    name, legal = found[-1]
    at = legal.index(getattr(spec, name))
    near = [i for i in (at - 1, at + 1) if 0 <= i < len(legal)]
    return [dataclasses.replace(spec, **{name: legal[i]}) for i in near]


def unsigned(spec: Spec) -> Spec:
    """Return the multiplier of unsigned operands, or `spec` where its family has none."""
    return spec if spec.is_float or False not in spec.SIGNS else spec.twin(signed=False)


def with_signs(spec: Spec) -> Spec | None:
    """Return the multiplier of signed operands; None if the family has none."""
    if spec.signed:
        return spec
    return spec.twin(signed=True) if True in spec.SIGNS else None


def signed_table(table: Table) -> Table:
    """Return an unsigned table's products of the magnitudes of signed operands, with their signs.

    A product that the signed table has no room for is its ValueError.
    """
    size = len(table.array)
    values = np.arange(size)
    values[size // 2 :] -= size
    magnitudes, negative = np.abs(values), values < 0
    products = table.array[np.ix_(magnitudes, magnitudes)]
    return Table(np.where(negative[:, None] ^ negative, -products, products), signed=True)
