"""Where two multipliers give other products: a published table beside ours, for example."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.errors import MAX_EXHAUSTIVE_PAIRS
from mbm_hw.multipliers.names import as_spec
from mbm_hw.multipliers.reference import multiply
from mbm_hw.multipliers.spec import IntegerSpec


@dataclass(frozen=True)
class Difference:
    """How a multiplier's products differ from another's, over the operands that both take.

    pairs : of operands compared. differing : of these, the ones whose products differ.
    largest : the largest |difference|; a, b : operands where it is, the first ones in rising order;
        product, other_product : what the two give there. All 0 x anything if nothing differs.
    """

    pairs: int
    differing: int
    largest: int
    a: int
    b: int
    product: int
    other_product: int


def product_difference(spec: IntegerSpec | str, other: IntegerSpec | str) -> Difference:
    """Return how `spec` differs from `other`, both integer specs or their names.

    A float spec, or anything else, is a TypeError; more than 2**26 pairs are a ValueError.
    """
    spec, other = as_spec(spec), as_spec(other)
    for one in (spec, other):
        if one.is_float:
            raise TypeError(f"product_difference compares integer specs, not {one}")
    low = max(spec.operand_min, other.operand_min)
    high = min(spec.operand_max, other.operand_max)
    pairs = (high - low + 1) ** 2
    if pairs > MAX_EXHAUSTIVE_PAIRS:
        raise ValueError(
            f"{spec} and {other} have {pairs} pairs of operands in common: at most "
            f"{MAX_EXHAUSTIVE_PAIRS} are compared"
        )
    operands = np.arange(low, high + 1)
    found = Difference(pairs, 0, 0, *[int(operands[0])] * 2, 0, 0)
    differing = 0
    for a in operands:
        ours, theirs = (multiply(s, a, operands).astype(np.int64) for s in (spec, other))
        distance = np.abs(ours - theirs)
        differing += int(np.count_nonzero(distance))
        at = int(distance.argmax())
        if distance[at] > found.largest:
            values = distance[at], a, operands[at], ours[at], theirs[at]
            found = Difference(pairs, 0, *map(int, values))
    return Difference(**vars(found) | {"differing": differing})
