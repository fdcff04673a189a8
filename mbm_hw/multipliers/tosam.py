"""The truncation- and rounding-based scalable approximate multiplier."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.leading_one import aligned_fraction, leading_one, scaled
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family("tosam", points=["tosam8_h2_t4", "tosam8s_h2_t4", "tosam16_h3_t7"])
@dataclass(frozen=True, kw_only=True)
class TOSAM(IntegerSpec):
    """TOSAM: operands are 2**k (1 + x), and 1 + x + y + xy is computed from few bits.

    The sum takes the top t bits of each fraction, the product xy the top h bits and an appended 1.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    h : int
        Fraction bits multiplied, 0 to ``width - 2``; a 1 is appended to them.
    t : int
        Fraction bits added, 2 to ``width - 1``.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    S. Vahdat et al., "TOSAM: An Energy-Efficient Truncation- and Rounding-Based Scalable
    Approximate Multiplier", IEEE Trans. VLSI Systems 27(5), 2019.

    Examples
    --------
    >>> from mbm_hw import TOSAM, multiply
    >>> int(multiply(TOSAM(width=8, h=2, t=4), 100, 200))
    20608
    """

    width: int = 8
    h: int = integer("h", 0, lambda spec: spec.width - 2)
    t: int = integer("t", 2, lambda spec: spec.width - 1)
    signed: bool = False

    @property
    def mantissa_width(self) -> int:
        """Bits of the mantissa's fraction."""
        return max(self.t, 2 * (self.h + 1))

    def product(self, a, b):
        characteristic_a, added_a, rounded_a = self.operand(a)
        characteristic_b, added_b, rounded_b = self.operand(b)
        width = np.uint64(self.mantissa_width)
        total = (added_a + added_b) << (width - np.uint64(self.t))
        cross = (rounded_a * rounded_b) << (width - np.uint64(2 * (self.h + 1)))
        mantissa = (np.uint64(1) << width) + total + cross
        product = scaled(mantissa, characteristic_a + characteristic_b, self.mantissa_width)
        return np.where((a == 0) | (b == 0), np.uint64(0), product)

    def operand(self, x) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the characteristic of `x`, its added fraction bits, and its multiplied ones."""
        characteristic, fraction_width = leading_one(x), self.width - 1
        fraction = aligned_fraction(x, characteristic, fraction_width)
        added = fraction >> np.uint64(fraction_width - self.t)
        rounded = fraction >> np.uint64(fraction_width - self.h) << np.uint64(1) | np.uint64(1)
        return characteristic, added, rounded
