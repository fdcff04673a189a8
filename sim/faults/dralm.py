"""Faults of DR-ALM."""

from amaranth import Const

from mbm_hw.hdl.cores.dralm import DRALMCore
from mbm_hw.hdl.cores.log_steps import LogStepsCore
from mbm_hw.multipliers import DRALM
from sim.faults.planting import planted


@planted(DRALM(width=16, t=6))
class CompensationLeftOut(DRALMCore):
    def appended(self):
        return Const(0, 1)


@planted(DRALM(width=6, t=4, signed=True))
class CarryOfTheLowestBitsLost(DRALMCore):
    def total(self, m, log_a, log_b):
        return LogStepsCore.total(self, m, log_a, log_b)
