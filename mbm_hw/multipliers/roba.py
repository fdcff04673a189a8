"""The rounding-based approximate multiplier."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.nearest_power import NearestPowerSpec
from mbm_hw.multipliers.registry import family


@family("roba", points=["roba8", "roba8s", "roba16"])
@dataclass(frozen=True, kw_only=True)
class RoBA(NearestPowerSpec):
    """RoBA: products by operands that are rounded to the nearest power of two.

    Ties are rounded up, but 3 down to 2.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    R. Zendegani et al., "RoBA Multiplier: A Rounding-Based Approximate Multiplier for High-Speed
    yet Energy-Efficient Digital Signal Processing", IEEE Trans. VLSI Systems 25(2), 2017.

    Examples
    --------
    >>> from mbm_hw import RoBA, multiply
    >>> int(multiply(RoBA(width=8), 100, 200))
    18432
    """

    width: int = 8
    signed: bool = False

    def rounded(self, x):
        """Return the power of two nearest to `x`; of two the larger one, but 2 for 3; 0 for 0."""
        return np.where(x == 3, np.uint64(2), super().rounded(x))
