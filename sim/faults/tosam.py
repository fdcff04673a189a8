"""Faults of TOSAM."""

from amaranth import Cat, Const

from mbm_hw.hdl.cores.tosam import TOSAMCore
from mbm_hw.multipliers import TOSAM
from sim.faults.planting import planted


@planted(TOSAM(width=16, h=3, t=7))
class OneNotAppended(TOSAMCore):
    def rounded(self, fraction):
        return Cat(Const(0, 1), super().rounded(fraction)[1:])


@planted(TOSAM(width=6, h=1, t=3, signed=True))
class ZeroNotHandled(TOSAMCore):
    def is_nonzero(self, nonzero_a, nonzero_b):
        return Const(1)
