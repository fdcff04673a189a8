"""Faults of the underdesigned multiplier."""

from amaranth import Cat, Const

from mbm_hw.hdl.cores.udm import UDMCore
from mbm_hw.multipliers import UDM
from sim.faults.planting import planted


@planted(UDM(width=8))
class MiddleBitExclusive(UDMCore):
    def blocks(self, a, low_b, high_b):
        low, high = super().blocks(a, low_b, high_b)
        both = a & (a << 1) & 0xAAAA_AAAA & (low_b & high_b).replicate(self.spec.width)
        return low ^ both[: self.spec.width], high


@planted(UDM(width=8, signed=True), UDM(width=16))
class ThirdBitLost(UDMCore):
    def blocks(self, a, low_b, high_b):
        low, high = super().blocks(a, low_b, high_b)
        return low, Cat(Const(0, 1), high[1:])
