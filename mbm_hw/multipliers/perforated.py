"""The partial product perforation multiplier."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.lowering import Term, Terms, as_it_is
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family(
    "perforated",
    points=["perforated8_j0_n2", "perforated8_j1_n3", "perforated8s_j0_n2", "perforated16_j0_n2"],
)
@dataclass(frozen=True, kw_only=True)
class Perforated(IntegerSpec):
    """An array multiplier without n successive rows: the exact product of a and the rest of b.

    It does not commute.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    j : int
        The first row left out, 0 to ``width - 1``.
    n : int
        Rows left out, those of the bits j to j + n - 1 of b; 1 to ``width - j``.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    G. Zervakis et al., IEEE Trans. VLSI 24(10), 2016.

    Examples
    --------
    >>> import mbm_hw as mh
    >>> int(mh.multiply(mh.Perforated(width=8, j=1, n=3), 100, 200))
    19200
    """

    width: int = 8
    j: int = integer("j", 0, lambda spec: spec.width - 1)
    n: int = integer("n", 1, lambda spec: spec.width - spec.j)
    signed: bool = False
    worsened_by = ("n",)

    def product(self, a, b):
        return a * self.perforated(b)

    def perforated(self, b) -> np.ndarray:
        """Return `b` with zeros in the bits whose rows are left out."""
        rows = ((1 << self.n) - 1) << self.j
        return b & b.dtype.type((1 << self.width) - 1 - rows)

    def lowering(self):
        return Terms((Term(as_it_is, self.perforated),))
