"""The linear-complexity multiplier of floating-point numbers."""

from dataclasses import dataclass

from mbm_hw.multipliers.lowering import LogProducts
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import FloatSpec


@family("lmul", points=["lmul_e4m3", "lmul_bf16", "lmul_fp16"])
@dataclass(frozen=True, kw_only=True)
class FloatLMul(FloatSpec):
    """Mitchell's addition of patterns, with an offset that stands for the product of the fractions.

    The pattern of a positive normal product is the sum of the operands' patterns, less the bias,
    plus 2**-l of a significand. The offset is in the logarithm's domain: where the sum of the
    fractions carries into the exponent, it weighs twice as much.

    Parameters
    ----------
    exponent_bits : int
        Bits of the exponent field, 2 to 8.
    mantissa_bits : int
        Stored bits M of the significand, 1 to 23. l is M up to 3, 3 for 4, and 4 above.

    References
    ----------
    H. Luo, W. Sun, Addition is All You Need for Energy-efficient Language Models, arXiv 2410.00907,
    2024.

    Examples
    --------
    >>> import mbm_hw as mh
    >>> hex(mh.multiply(mh.FloatLMul(exponent_bits=8, mantissa_bits=7), 0x3F80, 0x3F80))
    '0x3f88'
    """

    exponent_bits: int
    mantissa_bits: int

    def product(self, a, b):
        return a + b + self.offset

    def lowering(self):
        return LogProducts(0, (0, 0), offset=self.offset)

    @property
    def offset(self) -> int:
        """The constant added to the sum of the fractions, in units of 2**-mantissa_bits."""
        m = self.mantissa_bits
        return 1 << (m - (m if m <= 3 else 3 if m == 4 else 4))
