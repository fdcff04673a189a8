"""Faults of the approximate Booth multipliers."""

from amaranth import Const

from mbm_hw.hdl.cores.boothr4 import BoothR4Core
from mbm_hw.multipliers import BoothR4
from sim.faults.planting import planted


@planted(BoothR4(width=8, kind=1, p=6), BoothR4(width=16, kind=1, p=12))
class TwoTakenAsZeroInAllColumns(BoothR4Core):
    def is_two(self, bits):
        return Const(0)


@planted(BoothR4(width=8, kind=2, p=6))
class ZeroTakenAsZero(BoothR4Core):
    def approximate(self, once, is_one):
        return once & is_one.replicate(len(once))


@planted(BoothR4(width=8, kind=2, p=6))
class SignsNotTakenBack(BoothR4Core):
    def constant(self, excess):
        return Const(0, self.spec.product_width)
