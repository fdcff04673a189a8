"""Faults of the multipliers that round operands to powers of two."""

from amaranth import Const

from mbm_hw.hdl.cores.nearest_power import NearestPowerCore
from mbm_hw.multipliers import ILMEA, RoBA
from sim.faults.planting import planted


@planted(RoBA(width=16))
class ThreeRoundedUp(NearestPowerCore):
    def is_up(self, leading_one):
        return leading_one.tail[-1]


@planted(ILMEA(width=16))
class ThreeRoundedDown(NearestPowerCore):
    def is_up(self, leading_one):
        return leading_one.tail[-1] & (leading_one.position != 1)


@planted(RoBA(width=6, signed=True), ILMEA(width=6, signed=True))
class BothRoundedUpNotHandled(NearestPowerCore):
    def whole(self, m, carries, both_up):
        return super().whole(m, carries, Const(0, 1))


@planted(RoBA(width=6), ILMEA(width=6))
class ZeroNotHandled(NearestPowerCore):
    def is_nonzero(self, nonzero_a, nonzero_b):
        return Const(1)
