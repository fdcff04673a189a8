"""Faults of ALM-SOA and ALM-LOA."""

from amaranth import Const

from mbm_hw.hdl.cores.alm import ApproximateAdderCore
from mbm_hw.hdl.cores.almloa import ALMLOACore
from mbm_hw.hdl.cores.almsoa import ALMSOACore
from mbm_hw.multipliers import ALMLOA, ALMSOA
from sim.faults.planting import planted


@planted(ALMSOA(width=16, m=9), ALMLOA(width=16, m=9))
class CarryInLost(ApproximateAdderCore):
    def carry_in(self, highest_a, highest_b):
        return Const(0, 1)


@planted(ALMSOA(width=6, m=2, signed=True))
class OnesLost(ALMSOACore):
    def appended(self):
        return Const(0, self.spec.m)


@planted(ALMLOA(width=6, m=2, signed=True))
class LowBitsExclusive(ALMLOACore):
    def lower(self, lower_a, lower_b):
        return lower_a ^ lower_b
