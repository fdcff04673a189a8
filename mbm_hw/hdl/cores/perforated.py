"""The core of the partial product perforation multiplier: an array without some of its rows.

Ref: G. Zervakis et al., IEEE Trans. VLSI 24(10), 2016.
"""

from collections.abc import Iterable

from mbm_hw.hdl.carry_save import Row
from mbm_hw.hdl.cores.array import ArrayCore, gated
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import Perforated


@core_of(Perforated)
class PerforatedCore(ArrayCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def rows(self, m, a, b):
        (a,), (b,) = a, b
        return [Row(gated(a, b[j]), j) for j in self.rows_kept()]

    def rows_kept(self) -> Iterable[int]:
        """Return the rows that are there."""
        left_out = range(self.spec.j, self.spec.j + self.spec.n)
        return (j for j in range(self.spec.width) if j not in left_out)
