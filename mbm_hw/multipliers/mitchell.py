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
    width : bits per operand, 4 to 32.
    truncation : fraction bits dropped, 0 to width - 2 (signed: width - 3).
    signed : two's complement operands and product.

    Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
    """
