"""The approximate radix-4 Booth multipliers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mbm_hw.multipliers.parameters import choice, integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family(
    "boothr4",
    points=["boothr4_8s_kind1_p6", "boothr4_8s_kind2_p6", "boothr4_16s_kind1_p12"],
)
@dataclass(frozen=True, kw_only=True)
class BoothR4(IntegerSpec):
    """A radix-4 Booth multiplier whose encoder is approximate in the low product columns.

    Row i is the digit a[2i - 1] + a[2i] - 2 * a[2i + 1] of a, times b, in two's complement; its
    bits below column p are those of another digit times b. Kind 1 takes 0 for the digits 2 and -2,
    and needs no doubled b; kind 2 takes 1 or, where a[2i + 1] is set, -1 for all digits, so that 0
    times anything is not 0. It does not commute.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32 and even.
    kind : int
        The approximate encoder: 1 or 2.
    p : int
        The first exact column, 0 to 2 * width - 2 - ceil(log2(width / 2)): there the width / 2 rows
        lack, or have too much, no more than a product has room for.
    signed : bool
        Two's-complement operands and product: True, since the recoding is of signed operands.

    References
    ----------
    W. Liu et al., IEEE Trans. Computers 66(8), 2017 (R4ABM1 and R4ABM2).

    Examples
    --------
    >>> import mbm_hw as mh
    >>> int(mh.multiply(mh.BoothR4(width=8, kind=2, p=6), 3, 3))
    57
    """

    WIDTH_STEP: ClassVar[int] = 2
    SIGNS: ClassVar[tuple[bool, ...]] = (True,)
    takes_magnitudes = False
    width: int = 8
    kind: int = choice({1: "kind1", 2: "kind2"})
    p: int = integer("p", 0, lambda spec: 2 * spec.width - 2 - (spec.width // 2 - 1).bit_length())
    signed: bool = True

    def product(self, a, b):
        return sum(self.row(a, b, i) for i in range(self.width // 2))

    def row(self, a, b, i: int) -> np.ndarray:
        """Return row i in its place: the exact one from column p on, the approximate one below."""
        low = (1 << self.p) - 1
        exact, approximate = (
            digit * b << 2 * i for digit in (self.digit(a, i), self.approximate_digit(a, i))
        )
        return exact & ~low | approximate & low

    def digit(self, a, i: int) -> np.ndarray:
        """Return digit i of `a`, -2 to 2."""
        below, bit, sign = (a << 1 >> 2 * i + place & 1 for place in range(3))
        return below + bit - 2 * sign

    def approximate_digit(self, a, i: int) -> np.ndarray:
        """Return the digit that the columns below p take for digit i of `a`."""
        if self.kind == 1:
            digit = self.digit(a, i)
            return np.where(np.abs(digit) == 2, 0, digit)
        return 1 - 2 * (a >> 2 * i + 1 & 1)
