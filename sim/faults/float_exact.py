"""Faults of rounding."""

from amaranth import Const

from mbm_hw.hdl.cores.float_exact import FloatExactCore
from mbm_hw.multipliers import FloatExact
from sim.faults.planting import planted


@planted(FloatExact(8, 7), FloatExact(8, 23))
class TieRoundedUp(FloatExactCore):
    def rounds_up(self, half, rest, lowest):
        return half


@planted(FloatExact(4, 3))
class NotRounded(FloatExactCore):
    def rounds_up(self, half, rest, lowest):
        return Const(0)
