"""The design points of the atlas: those that the families list, and a sweep beside them.

Nothing here names a family: a new one brings its points in its own file (`registry.family`).
"""

import dataclasses

from mbm_hw.multipliers import CATALOG, Spec
from mbm_hw.multipliers.parameters import Integer, parameter_of

WIDTHS = (8, 16)
"""Bits of an operand."""
SWEPT_WIDTH = 8


def design_points() -> list[Spec]:
    """Return the multipliers of the atlas, each once; by width, then in the catalog's order.

    They are the catalog's multipliers of WIDTHS and, at SWEPT_WIDTH, the neighbours of each
    family's first one; and the exact counterparts of all. Integer ones are unsigned where their
    family is: the cores that papers price.
    """
    listed = [unsigned(spec) for spec in CATALOG.values() if spec.width in WIDTHS]
    first = {}
    for spec in listed:
        if spec.width == SWEPT_WIDTH:
            first.setdefault((spec.family, spec.is_float), spec)
    swept = [near for spec in first.values() for near in neighbours(spec)]
    points = dict.fromkeys([*(spec.exact() for spec in listed), *listed, *swept])
    return sorted(points, key=lambda spec: (spec.width, spec.is_float, not spec.is_exact))


def neighbours(spec: Spec) -> list[Spec]:
    """Return the specs whose last integer parameter is one legal step below and above that of
    `spec`."""
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


def in_network(spec: Spec) -> Spec | None:
    """Return the multiplier that layers take: of signed operands; None if the family has none.

    The layers' codes are symmetric, so that its products are those of the unsigned core with the
    signs put on: the network sees the same numbers.
    """
    if spec.signed:
        return spec
    return spec.twin(signed=True) if True in spec.SIGNS else None
