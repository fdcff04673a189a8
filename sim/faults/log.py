"""Faults of the logarithmic multipliers."""

from amaranth import Const

from mbm_hw.hdl.cores.log import LogCore
from mbm_hw.multipliers import MBM
from sim.faults.planting import planted


@planted(MBM(8), MBM(16))
class CorrectionNotHalved(LogCore):
    def corrections(self):
        without_carry, _ = super().corrections()
        return without_carry, without_carry


@planted(MBM(8), MBM(16))
class OverflowCornerDropped(LogCore):
    def is_overflow(self, characteristic, corrected):
        return Const(0)


@planted(MBM(8, truncation=2), MBM(16, truncation=8))
class LowestBitNotForced(LogCore):
    def forced(self):
        return Const(0, 0)


@planted(MBM(8), MBM(16, signed=True))
class SmallProductCornerDropped(LogCore):
    def is_small(self, characteristic, carry):
        return Const(0)


@planted(MBM(8), MBM(16))
class ZeroNotHandled(LogCore):
    def is_nonzero(self, nonzero_a, nonzero_b):
        return Const(1)
