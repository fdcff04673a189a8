"""Faults of the static segment multipliers."""

from mbm_hw.hdl.cores.static_segment import StaticSegmentCore
from mbm_hw.multipliers import ESSM, SSM
from sim.faults.planting import planted


@planted(SSM(width=16, m=9), ESSM(width=6, m=4, signed=True))
class TopBitOverlooked(StaticSegmentCore):
    def is_above(self, x, end):
        return x[end:-1].any()


@planted(SSM(width=6, m=4, signed=True), ESSM(width=16, m=8))
class LowestBitAboveOverlooked(StaticSegmentCore):
    def is_above(self, x, end):
        return x[end + 1 :].any()
