"""The core of the broken-array multiplier: the rows of an array, without the cells left out.

Ref: H. R. Mahdiani et al., IEEE Trans. Circuits and Systems I 57(4), 2010.
"""

from amaranth import Const

from mbm_hw.hdl.carry_save import Row
from mbm_hw.hdl.cores.array import ArrayCore, gated
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import BrokenArray


@core_of(BrokenArray)
class BrokenArrayCore(ArrayCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def rows(self, m, a, b):
        (a,), (b,) = a, b
        rows = [self.constant()] if self.spec.mean else []
        for j in range(self.first_row(), self.spec.width):
            cut = self.columns_cut(j)
            if cut < self.spec.width:
                rows.append(Row(gated(a[cut:], b[j]), cut + j))
        return rows

    def first_row(self) -> int:
        """Return the horizontal break."""
        return self.spec.h

    def columns_cut(self, j: int) -> int:
        """Return how many of the lowest cells row j lacks."""
        return self.spec.columns_cut(j)

    def constant(self) -> Row:
        """Return the mean of what is left out."""
        constant = self.spec.constant >> self.spec.v
        return Row(Const(constant), self.spec.v)
