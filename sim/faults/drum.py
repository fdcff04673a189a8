"""Faults of DRUM."""

from amaranth import Const

from mbm_hw.hdl.cores.drum import DRUMCore
from mbm_hw.multipliers import DRUM
from sim.faults.planting import planted


@planted(DRUM(width=16, k=6))
class LowestBitNotForced(DRUMCore):
    def forced(self, shift):
        return Const(0)


@planted(DRUM(width=6, k=3, signed=True))
class ForcedWhereNothingIsCut(DRUMCore):
    def forced(self, shift):
        return Const(1)
