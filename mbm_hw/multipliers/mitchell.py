"""Mitchell's logarithmic multiplier."""

from dataclasses import dataclass

from mbm_hw.multipliers.log import LogSpec
from mbm_hw.multipliers.registry import family


@family("mitchell", points=["mitchell8", "mitchell8s", "mitchell16", "mitchell16s"])
@dataclass(frozen=True)
class Mitchell(LogSpec):
    """Mitchell's logarithmic multiplier: without truncation never above the exact product.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    truncation : int
        Fraction bits dropped, 0 to ``width - 2`` (signed: ``width - 3``).
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    J. N. Mitchell, "Computer Multiplication and Division Using Binary Logarithms", IRE Trans.
    Electron. Comput. EC-11(4), 1962.

    Examples
    --------
    >>> from mbm_hw import Mitchell, multiply
    >>> int(multiply(Mitchell(8), 100, 200))
    18432
    """
