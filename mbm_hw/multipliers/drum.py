"""The dynamic-range unbiased multiplier."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.leading_one import leading_one
from mbm_hw.multipliers.lowering import Term, Terms
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family("drum", points=["drum8_k4", "drum8s_k4", "drum16_k6"])
@dataclass(frozen=True, kw_only=True)
class DRUM(IntegerSpec):
    """DRUM: an exact product of the k bits from each operand's leading one on.

    Where bits are cut, the lowest bit that is kept is set: this stands for their mean.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    k : int
        Bits kept, 2 (signed: 3) to ``width - 1``.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    S. Hashemi, R. I. Bahar, S. Reda, "DRUM: A Dynamic Range Unbiased Multiplier for Approximate
    Applications", ICCAD 2015.

    Examples
    --------
    >>> from mbm_hw import DRUM, multiply
    >>> int(multiply(DRUM(width=8, k=4), 100, 200))
    21632
    """

    width: int = 8
    # At k = 2 the square of the signed -2**(width - 1) would not fit the product.
    k: int = integer("k", lambda spec: 3 if spec.signed else 2, lambda spec: spec.width - 1)
    signed: bool = False
    improved_by = ("k",)

    def product(self, a, b):
        (segment_a, shift_a), (segment_b, shift_b) = self.segment(a), self.segment(b)
        return (segment_a * segment_b) << (shift_a + shift_b)

    def segment(self, x) -> tuple[np.ndarray, np.ndarray]:
        """Return the k bits of `x` from its leading one on, and how far they were shifted."""
        lowest = np.uint64(self.k - 1)
        shift = np.maximum(leading_one(x), lowest) - lowest
        return x.astype(np.uint64) >> shift | (shift > 0), shift

    def value(self, x) -> np.ndarray:
        """Return the operand that stands for `x` in the exact product."""
        segment, shift = self.segment(x)
        return segment << shift

    def lowering(self):
        return Terms((Term(self.value, self.value),))
