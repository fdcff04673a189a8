"""The reduced-error approximate log-based multiplier."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mbm_hw.multipliers.log import LogSpec
from mbm_hw.multipliers.parameters import choice, integer
from mbm_hw.multipliers.registry import family

NARROW, WIDE = 5, 6
"""Bits behind the point of a factor: to 8 bits of an operand, above."""
NARROW_MAX_WIDTH = 8


def factor_bits(width: int) -> int:
    """Return the bits behind the point of a factor, for operands of `width` bits."""
    return NARROW if width <= NARROW_MAX_WIDTH else WIDE


def _table(rows: str) -> np.ndarray:
    return np.array([row.split() for row in rows.splitlines() if row.strip()], np.uint64)


FACTORS = {
    (4, NARROW): _table(
        """
        0 1 2 2
        1 4 6 3
        2 6 5 2
        2 3 2 1
        """
    ),
    (8, NARROW): _table(
        """
        0 0 1 1 1 1 2 1
        0 1 2 3 3 4 4 2
        1 2 3 4 6 6 4 1
        1 3 4 6 7 6 3 1
        1 3 6 7 6 4 3 1
        1 4 6 6 4 3 2 1
        2 4 4 3 3 2 1 0
        1 2 1 1 1 1 0 0
        """
    ),
    (16, NARROW): _table(
        """
        0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1
        0 0 0 1 1 1 1 1 2 2 2 2 2 3 2 1
        0 0 1 1 1 2 2 2 3 3 3 4 4 4 3 1
        0 1 1 2 2 2 3 3 4 4 5 5 5 4 2 1
        0 1 1 2 3 3 4 4 5 5 6 6 5 4 2 1
        0 1 2 2 3 4 4 5 6 7 7 6 5 3 2 1
        0 1 2 3 4 4 5 6 7 7 7 5 4 3 2 1
        0 1 2 3 4 5 6 7 8 7 6 5 4 3 2 1
        1 2 3 4 5 6 7 8 7 6 5 4 3 2 1 0
        1 2 3 4 5 7 7 7 6 5 4 4 3 2 1 0
        1 2 3 5 6 7 7 6 5 4 4 3 2 2 1 0
        1 2 4 5 6 6 5 5 4 4 3 3 2 1 1 0
        1 2 4 5 5 5 4 4 3 3 2 2 2 1 1 0
        1 3 4 4 4 3 3 3 2 2 2 1 1 1 0 0
        1 2 3 2 2 2 2 2 1 1 1 1 1 0 0 0
        1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0
        """
    ),
    (4, WIDE): _table(
        """
         1  3  5  4
         3  9 12  5
         5 12  9  3
         4  5  3  1
        """
    ),
    (8, WIDE): _table(
        """
         0  1  1  2  2  3  3  2
         1  2  4  5  7  8  8  3
         1  4  6  9 11 12  8  3
         2  5  9 12 14 11  7  2
         2  7 11 14 12  9  5  2
         3  8 12 11  9  6  4  1
         3  8  8  7  5  4  2  1
         2  3  3  2  2  1  1  0
        """
    ),
    (16, WIDE): _table(
        """
         0  0  0  0  1  1  1  1  1  1  1  1  2  2  2  1
         0  1  1  1  2  2  2  3  3  4  4  4  5  5  5  2
         0  1  2  2  3  3  4  5  5  6  7  7  8  8  5  2
         0  1  2  3  4  5  6  7  7  8  9 10 10  8  5  2
         1  2  3  4  5  6  7  8 10 11 12 12 10  7  4  1
         1  2  3  5  6  8  9 10 12 13 14 12  9  7  4  1
         1  2  4  6  7  9 11 12 14 15 13 11  8  6  4  1
         1  3  5  7  8 10 12 14 15 14 12 10  7  5  3  1
         1  3  5  7 10 12 14 15 14 12 10  8  7  5  3  1
         1  4  6  8 11 13 15 14 12 11  9  7  6  4  2  1
         1  4  7  9 12 14 13 12 10  9  8  6  5  3  2  1
         1  4  7 10 12 12 11 10  8  7  6  5  4  3  2  1
         2  5  8 10 10  9  8  7  7  6  5  4  3  2  1  0
         2  5  8  8  7  7  6  5  5  4  3  3  2  2  1  0
         2  5  5  5  4  4  4  3  3  2  2  2  1  1  1  0
         1  2  2  2  1  1  1  1  1  1  1  1  0  0  0  0
        """
    ),
}
"""(m, bits) -> the factors [m, m], in units of 2**-bits, by the segments of both fractions.

Each makes the mean relative error of its pair of segments zero, rounded half up: the integral of
Mitchell's relative error with its sign turned, by that of 1 / ((1 + x) (1 + y)).
"""


@family("realm", points=["realm8_m8", "realm8s_m8", "realm16_m16", "realm16_m8_t8"])
@dataclass(frozen=True, kw_only=True)
class REALM(LogSpec):
    """The reduced-error approximate log-based multiplier: Mitchell's with a constant by segment.

    Each fraction is in one of m segments of equal length, and each pair of segments has a constant
    of its own. As MBM's it is halved where the sum of the fractions carries, and cut to the bits
    that truncation keeps. MBM's corners hold too: the constant is left out where the product would
    overflow; small products that carry get back the 1 that the output shift drops.

    Parameters
    ----------
    width : int
        Bits of an operand, 5 to 32.
    m : int
        Segments of a fraction: 4, 8 or 16.
    truncation : int
        Fraction bits dropped, 0 to ``width - 6`` (to 8 bits: ``width - 5``). So the constants, of 6
        bits (5), lose no more than their lowest one.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    H. Saadat et al., REALM, DATE 2020.

    Examples
    --------
    >>> import mbm_hw as mh
    >>> int(mh.multiply(mh.REALM(width=8, m=8), 100, 200))
    19968
    """

    MIN_WIDTH: ClassVar[int] = NARROW
    width: int = 8
    m: int = choice({4: "m4", 8: "m8", 16: "m16"})
    truncation: int = integer("t", 0, lambda spec: spec.width - factor_bits(spec.width), default=0)
    signed: bool = False

    @property
    def factor_bits(self) -> int:
        """Bits behind the point of the constants."""
        return factor_bits(self.width)

    @property
    def factors(self) -> np.ndarray:
        """The constants, uint64 [m, m], in units of 2**-factor_bits, by their segments."""
        return FACTORS[self.m, factor_bits(self.width)]

    @property
    def segment_bits(self) -> int:
        """The fraction's highest bits: they number its segment."""
        return self.m.bit_length() - 1

    @property
    def small_characteristic(self) -> int:
        return 5

    @property
    def suffix(self) -> str:
        """The segments before the truncation: `_m8_t8`."""
        return "".join(f"_{word}" for word in reversed(super().suffix.split("_")[1:]))

    def correction(self, fraction_a, fraction_b, carry):
        factor = self.factors[self.segment(fraction_a), self.segment(fraction_b)]
        shift = self.fraction_width - self.factor_bits
        aligned = factor << np.uint64(shift) if shift >= 0 else factor >> np.uint64(-shift)
        truncation = np.uint64(self.truncation)
        return aligned >> carry >> truncation << truncation

    def segment(self, fraction) -> np.ndarray:
        """Return the number of the segment that a fraction is in."""
        return fraction >> np.uint64(self.fraction_width - self.segment_bits)

    def lowering(self):
        return None
