"""Faults of DR-ALM."""

from amaranth import Const

from mbm_hw.hdl.cores.dralm import DRALMCore
from mbm_hw.multipliers import DRALM
from sim.faults.planting import planted


@planted(DRALM(width=16, t=6))
class CompensationLeftOut(DRALMCore):
    def compensation(self):
        return Const(0, 1)


@planted(DRALM(width=6, t=4, signed=True))
class LowestBitNotForced(DRALMCore):
    def forced(self):
        return Const(0, 0)
