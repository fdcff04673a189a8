"""The exact floating-point multiplier, which rounds."""

from dataclasses import dataclass

from mbm_hw.multipliers.lowering import ExactProducts
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import FloatSpec


@family("exact", points=["exact_bf16", "exact_fp16", "exact_fp32"])
@dataclass(frozen=True)
class FloatExact(FloatSpec):
    """The exact product, rounded to the nearest, ties to even: the baseline of float formats.

    Parameters
    ----------
    exponent_bits : int
        Bits of the exponent field, 2 to 8.
    mantissa_bits : int
        Stored bits of the significand, 1 to 23.

    Examples
    --------
    >>> from mbm_hw import FloatExact, multiply
    >>> hex(multiply(FloatExact(8, 7), 0x3F80, 0x4049))
    '0x4049'
    """

    exponent_bits: int = 8
    mantissa_bits: int = 7
    is_exact = True

    def product(self, a, b):
        m, one = self.mantissa_bits, 1 << self.mantissa_bits
        product = (one + a) * (one + b)  # 1 to 4, in units of 2**-2m
        increment = product >> (2 * m + 1)
        dropped = m + increment
        kept, rest, half = product >> dropped, product & ((1 << dropped) - 1), 1 << (dropped - 1)
        kept += (rest > half) | (rest == half) & (kept & 1 == 1)
        # Rounding up to the next power of two leaves a mantissa of 0, one more in the exponent.
        return (increment << m) + kept - one

    def lowering(self):
        return ExactProducts()


FloatSpec.exact_kind = FloatExact
