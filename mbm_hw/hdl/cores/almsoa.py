"""The core of ALM-SOA."""

from amaranth import Const

from mbm_hw.hdl.cores.alm import ApproximateAdderCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import ALMSOA


@core_of(ALMSOA)
class ALMSOACore(ApproximateAdderCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def lower(self, lower_a, lower_b):
        return Const(-1, len(lower_a))
