"""The iterative logarithmic multiplier."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.leading_one import leading_one
from mbm_hw.multipliers.lowering import Term, Terms, as_it_is
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family("ilm", points=["ilm8_n1", "ilm8s_n1", "ilm16_n1"])
@dataclass(frozen=True, kw_only=True)
class ILM(IntegerSpec):
    """The iterative logarithmic multiplier: n + 1 blocks, each for what the last one lacks.

    With x = 2**k + r for each operand, a basic block gives 2**(ka + kb) + (ra << kb) + (rb << ka).
    It lacks ra * rb, which the next block approximates in the same way. So n + 1 blocks lack the
    product of what is left of the operands without their n + 1 leading ones.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    n : int
        Corrections, that is blocks behind the first one, 0 to 3.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    Z. Babic, A. Avramovic, P. Bulic, Microprocessors and Microsystems 35(1), 2011.

    Examples
    --------
    >>> import mbm_hw as mh
    >>> int(mh.multiply(mh.ILM(width=8, n=1), 100, 200))
    19968
    """

    width: int = 8
    n: int = integer("n", 0, 3)
    signed: bool = False
    improved_by = ("n",)

    def product(self, a, b):
        return a * b - self.residue(a) * self.residue(b)

    def residue(self, x) -> np.ndarray:
        """Return what is left of `x` behind the last block: x without its n + 1 leading ones."""
        residue = x.astype(np.uint64)
        for _ in range(self.n + 1):
            residue = residue & ~(np.uint64(1) << leading_one(residue))
        return residue

    def lowering(self):
        return Terms((Term(as_it_is, as_it_is), Term(self.residue, self.residue, -1)))
