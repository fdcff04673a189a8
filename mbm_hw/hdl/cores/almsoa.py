"""The core of ALM-SOA."""

from amaranth import Const

from mbm_hw.hdl.cores.alm import ApproximateAdderCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import ALMSOA


@core_of(ALMSOA)
class ALMSOACore(ApproximateAdderCore):
    """The product of two magnitudes; parameters and members are Core's.

    Of the low m bits of an operand's fraction only the highest has an effect: the carry's.
    """

    def __init__(self, spec: ALMSOA, latency: int = 0):
        super().__init__(spec, latency)
        self.log_width = self.kept_width - spec.m + 1

    def lower(self, lower_a, lower_b):
        return Const(0, 0)

    def appended(self):
        return Const(-1, self.spec.m)
