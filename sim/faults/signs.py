"""Faults of the signs around a core of magnitudes."""

from amaranth import Const

from mbm_hw.hdl import Multiplier
from mbm_hw.multipliers import MBM
from sim.faults.planting import planted


@planted(MBM(8, signed=True), MBM(16, signed=True))
class SignLost(Multiplier):
    def sign(self, sign_a, sign_b):
        return Const(0)
