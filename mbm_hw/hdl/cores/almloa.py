"""The core of ALM-LOA."""

from mbm_hw.hdl.cores.alm import ApproximateAdderCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import ALMLOA


@core_of(ALMLOA)
class ALMLOACore(ApproximateAdderCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def lower(self, lower_a, lower_b):
        return lower_a | lower_b
