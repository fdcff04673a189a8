"""The approximate logarithmic multiplier with a lower-part-or adder."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.alm import ApproximateAdderSpec
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family


@family("almloa", points=["almloa8_m3", "almloa8s_m3", "almloa16_m9"])
@dataclass(frozen=True, kw_only=True)
class ALMLOA(ApproximateAdderSpec):
    """ALM-LOA: Mitchell's multiplier whose lower-part-or adder has a OR b as the low m bits.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    m : int
        Bits of the sum of fractions that are approximate, 1 to ``width - 2``.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    W. Liu et al., "Design and Evaluation of Approximate Logarithmic Multipliers for Low Power
    Error-Tolerant Applications", IEEE Trans. Circuits and Systems I 65(9), 2018.

    Examples
    --------
    >>> from mbm_hw import ALMLOA, multiply
    >>> int(multiply(ALMLOA(width=8, m=3), 3, 3))
    8
    """

    width: int = 8
    m: int = integer("m", 1, lambda spec: spec.width - 2)
    signed: bool = False

    def lower(self, fraction_a, fraction_b):
        return (fraction_a | fraction_b) & np.uint64((1 << self.m) - 1)
