"""Faults of REALM."""

from amaranth import Cat, Const

from mbm_hw.hdl.cores.realm import REALMCore
from mbm_hw.multipliers import REALM
from sim.faults.planting import planted


@planted(REALM(width=8, m=8), REALM(width=16, m=16))
class FactorNotHalved(REALMCore):
    def halved(self, carry, factor):
        return Cat(Const(0, 1), factor)


@planted(REALM(width=16, m=8, truncation=8))
class SegmentOneBitTooLow(REALMCore):
    def segment(self, log):
        return log[self.kept_width - self.spec.segment_bits - 1 : self.kept_width - 1]


@planted(REALM(width=8, m=8, signed=True))
class SmallProductCornerDropped(REALMCore):
    def is_small(self, characteristic, carry):
        return Const(0)
