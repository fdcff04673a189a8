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
    exponent_bits : int
        Bits of the exponent field, 2 to 8.
    mantissa_bits : int
        Stored bits of the significand, 1 to 23.
    truncation : int
        Mantissa bits dropped, the lowest kept one set; 0 to ``mantissa_bits - 1``.

    References
    ----------
    J. N. Mitchell, "Computer Multiplication and Division Using Binary Logarithms", IRE Trans.
    Electron. Comput. EC-11(4), 1962.

    Examples
    --------
    >>> from mbm_hw import FloatMitchell, multiply
    >>> hex(multiply(FloatMitchell(8, 7), 0x3FC0, 0x3FC0))
    '0x4000'
    """
