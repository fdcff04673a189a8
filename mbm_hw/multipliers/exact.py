"""The exact multiplier of integers."""

from dataclasses import dataclass

from mbm_hw.multipliers.lowering import ExactProducts
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family("exact", points=["exact8", "exact8s", "exact16", "exact16s"])
@dataclass(frozen=True)
class Exact(IntegerSpec):
    """The exact multiplier: the baseline of every comparison.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    signed : bool
        Two's-complement operands and product.

    Examples
    --------
    >>> from mbm_hw import Exact, multiply
    >>> int(multiply(Exact(8), 100, 200))
    20000
    """

    width: int = 8
    signed: bool = False
    is_exact = True
    takes_magnitudes = False

    def product(self, a, b):
        return a * b

    def lowering(self):
        return ExactProducts()


IntegerSpec.exact_kind = Exact
