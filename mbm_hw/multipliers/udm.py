"""The underdesigned multiplier."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mbm_hw.multipliers.lowering import Term, Terms, as_it_is
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family("udm", points=["udm8", "udm8s", "udm16"])
@dataclass(frozen=True, kw_only=True)
class UDM(IntegerSpec):
    """The underdesigned multiplier: products of 2-bit digits, of which 3 x 3 is 7, added exactly.

    Each pair of digits 3 lacks 2. With t(x) the number that has a 1 for each digit 3 of x and a 0
    for the others, also in base 4, the product is a * b - 2 * t(a) * t(b).

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32 and even.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    P. Kulkarni, P. Gupta, M. Ercegovac, VLSI Design 2011.

    Examples
    --------
    >>> import mbm_hw as mh
    >>> int(mh.multiply(mh.UDM(width=8), 3, 3))
    7
    """

    WIDTH_STEP: ClassVar[int] = 2
    width: int = 8
    signed: bool = False

    def product(self, a, b):
        return a * b - (self.threes(a) * self.threes(b) << a.dtype.type(1))

    def threes(self, x) -> np.ndarray:
        """Return the number with a 1 where `x` has the digit 3, and a 0 elsewhere, in base 4."""
        return x & x >> x.dtype.type(1) & x.dtype.type(0x5555_5555)

    def lowering(self):
        return Terms((Term(as_it_is, as_it_is), Term(self.threes, self.threes, -2)))
