"""Faults of partial product perforation."""

from mbm_hw.hdl.cores.perforated import PerforatedCore
from mbm_hw.multipliers import Perforated
from sim.faults.planting import planted


@planted(Perforated(width=8, j=1, n=3))
class ARowTooMany(PerforatedCore):
    def rows_kept(self):
        return sorted([*super().rows_kept(), self.spec.j])


@planted(Perforated(width=8, j=0, n=2, signed=True))
class HighestRowLost(PerforatedCore):
    def rows_kept(self):
        return list(super().rows_kept())[:-1]
