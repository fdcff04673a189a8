"""The steps that the approximate logarithmic multipliers of Liu et al. share."""

import numpy as np

from mbm_hw.multipliers.log import LogSteps


class ApproximateAdderSpec(LogSteps):
    """Mitchell's multiplier with an adder that is approximate in the fractions' low m bits.

    The upper parts are added with a carry-in, the AND of the operands' bits m - 1.
    """

    m: int

    def total(self, fraction_a, fraction_b):
        m, one = np.uint64(self.m), np.uint64(1)
        carry_in = (fraction_a & fraction_b) >> (m - one) & one
        upper = (fraction_a >> m) + (fraction_b >> m) + carry_in
        return upper << m | self.lower(fraction_a, fraction_b)

    def lower(self, fraction_a, fraction_b) -> np.ndarray:
        """Return the low m bits of the sum."""
        raise NotImplementedError
