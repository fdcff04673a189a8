"""The minimally biased multiplier."""

from dataclasses import dataclass

from mbm_hw.multipliers.log import LogSpec, mbm_corrections
from mbm_hw.multipliers.registry import family


@family(
    "mbm",
    points=[
        # 8 bits; truncations below the paper's range (t <= width - 8) cut the correction too.
        *("mbm8", "mbm8s", "mbm8s_t2", "mbm8s_t4"),
        # 16 bits: the paper's Table I, its two ends; signed ones for networks.
        *("mbm16", "mbm16_t4", "mbm16_t8", "mbm16s", "mbm16s_t8"),
        # The narrowest and the widest that the spec allows.
        *("mbm4s", "mbm32", "mbm32s"),
    ],
)
@dataclass(frozen=True)
class MBM(LogSpec):
    """The minimally biased multiplier: Mitchell's sum of logarithms plus a constant.

    The constant is 5/64 (the hardware's stand-in for 1/12), halved where the sum of the fractions
    carries, and cut to the bits that truncation keeps. Corners: it is left out where the product
    would overflow; small products that carry get back the 1 that the output shift drops.

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
    H. Saadat, H. Bokhari, S. Parameswaran, "Minimally Biased Multipliers for Approximate Integer
    and Floating-Point Multiplication", IEEE Trans. CAD 37(11), 2018.

    Examples
    --------
    >>> from mbm_hw import MBM, multiply
    >>> int(multiply(MBM(8), 100, 200))
    19072
    """

    @property
    def corrections(self) -> tuple[int, int]:
        return mbm_corrections(self.fraction_width, self.truncation)

    @property
    def small_characteristic(self) -> int:
        return 6
