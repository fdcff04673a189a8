"""Faults of ILM."""

from amaranth import Const

from mbm_hw.hdl.cores.ilm import ILMCore
from mbm_hw.multipliers import ILM
from sim.faults.planting import planted


@planted(ILM(width=8, n=1), ILM(width=16, n=1))
class ResidueWithoutItsHighestBits(ILMCore):
    def residue(self, x):
        return x[:-1] & (x[1:] | x[1:] >> 1)


@planted(ILM(width=8, n=1, signed=True))
class ZeroNotHandled(ILMCore):
    def is_nonzero(self, leading_one):
        return Const(1)
