"""Mitchell's multiplier of floating-point numbers."""

from dataclasses import dataclass

from mbm_hw.multipliers.log import FloatLogSpec
from mbm_hw.multipliers.registry import family


@family("mitchell", points=["mitchell_bf16", "mitchell_fp16", "mitchell_fp32"])
@dataclass(frozen=True)
class FloatMitchell(FloatLogSpec):
    """Mitchell's multiplier on the mantissas.

    Parameters
    ----------
    exponent_bits : 2 to 8. mantissa_bits : stored ones, 1 to 23.
    truncation : mantissa bits dropped, the lowest kept one set; 0 to mantissa_bits - 1.

    Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
    """
