"""The improved logarithmic multiplier with exact addition."""

from dataclasses import dataclass

from mbm_hw.multipliers.nearest_power import NearestPowerSpec
from mbm_hw.multipliers.registry import family


@family("ilmea", points=["ilmea8", "ilmea8s", "ilmea16"])
@dataclass(frozen=True, kw_only=True)
class ILMEA(NearestPowerSpec):
    """ILM-EA: logarithms taken from the nearest power of two, their parts added exactly.

    Ties are rounded up, 3 to 4 too.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    M. S. Ansari, B. F. Cockburn, J. Han, "An Improved Logarithmic Multiplier for Energy-Efficient
    Neural Computing", IEEE Trans. Computers 70(4), 2021 (online 2020).

    Examples
    --------
    >>> from mbm_hw import ILMEA, multiply
    >>> int(multiply(ILMEA(width=8), 3, 3))
    8
    """

    width: int = 8
    signed: bool = False
