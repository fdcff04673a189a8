"""The dynamic-range approximate logarithmic multiplier."""

from dataclasses import dataclass

from mbm_hw.multipliers.log import LogSteps
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family


@family("dralm", points=["dralm8_t6", "dralm8s_t6", "dralm16_t6"])
@dataclass(frozen=True, kw_only=True)
class DRALM(LogSteps):
    """DR-ALM: Mitchell's multiplier on operands cut to t bits, with a compensation.

    The lowest bit that is kept is set, and the sum of the fractions is increased by 1 of that bit.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    t : int
        Bits kept, the leading one included, 2 (signed: 3) to ``width``.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    P. Yin et al., "Design and Analysis of Energy-Efficient Dynamic Range Approximate Logarithmic
    Multipliers for Machine Learning", IEEE Trans. Sustainable Computing 6(4), 2021.

    Examples
    --------
    >>> from mbm_hw import DRALM, multiply
    >>> int(multiply(DRALM(width=8, t=6), 100, 200))
    19968
    """

    width: int = 8
    # At t = 2 the square of the signed -2**(width - 1) would not fit the product.
    t: int = integer("t", lambda spec: 3 if spec.signed else 2, lambda spec: spec.width)
    signed: bool = False
    forced = True

    @property
    def truncation(self) -> int:
        """The number of the fraction's lowest bits that are dropped."""
        return self.width - self.t

    @property
    def compensation(self) -> int:
        """The constant added to the sum of the fractions, in units of 2**-fraction_width."""
        return 1 << self.truncation

    def total(self, fraction_a, fraction_b):
        return fraction_a + fraction_b + self.compensation
