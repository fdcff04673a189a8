"""Faults of the broken-array multiplier."""

from amaranth import Const

from mbm_hw.hdl.carry_save import Row
from mbm_hw.hdl.cores.brokenarray import BrokenArrayCore
from mbm_hw.multipliers import BrokenArray
from sim.faults.planting import planted


@planted(BrokenArray(width=8, v=8))
class AColumnTooMany(BrokenArrayCore):
    def columns_cut(self, j):
        return max(super().columns_cut(j) - 1, 0)


@planted(BrokenArray(width=16, h=2, v=12))
class ARowTooMany(BrokenArrayCore):
    def first_row(self):
        return super().first_row() - 1


@planted(BrokenArray(width=8, v=8, mean=True))
class MeanNotAdded(BrokenArrayCore):
    def constant(self):
        return Row(Const(0, 1))
