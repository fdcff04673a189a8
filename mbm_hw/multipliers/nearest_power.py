"""The steps that multipliers share which round operands to powers of two."""

import numpy as np

from mbm_hw.multipliers.leading_one import leading_one
from mbm_hw.multipliers.lowering import Term, Terms, as_it_is
from mbm_hw.multipliers.spec import IntegerSpec


class NearestPowerSpec(IntegerSpec):
    """A multiplier by rounded operands: r(a) b + r(b) a - r(a) r(b), r being a power of two.

    The error is -(r(a) - a) (r(b) - b): the product of the residues is left out.
    """

    def product(self, a, b):
        rounded_a, rounded_b = self.rounded(a), self.rounded(b)
        return rounded_a * b + rounded_b * a - rounded_a * rounded_b

    def rounded(self, x) -> np.ndarray:
        """Return the power of two nearest to `x`; of two the larger one; 0 for 0."""
        characteristic = leading_one(x)
        power = np.uint64(1) << characteristic
        up = x.astype(np.uint64) & (power >> np.uint64(1)) != 0
        return np.where(x == 0, np.uint64(0), power << up.astype(np.uint64))

    def residue(self, x) -> np.ndarray:
        """Return how far `x` is above its rounded value: int64, negative where it is below."""
        return x.astype(np.int64) - self.rounded(x).astype(np.int64)

    def lowering(self):
        return Terms((Term(as_it_is, as_it_is), Term(self.residue, self.residue, -1)))
