"""The core of DR-ALM."""

from amaranth import Const, Signal

from mbm_hw.hdl.cores.float_core import sum_and_one
from mbm_hw.hdl.cores.log_steps import LogStepsCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import DRALM


@core_of(DRALM)
class DRALMCore(LogStepsCore):
    """The product of two magnitudes; parameters and members are Core's.

    The lowest bits that are kept are both 1: their sum is a carry and 0, where the compensation
    puts its 1. So no logarithm has the bit.
    """

    def __init__(self, spec: DRALM, latency: int = 0):
        super().__init__(spec, latency)
        self.log_width = self.kept_width - 1

    def forced(self):
        return Const(0, 0)

    def total(self, m, log_a, log_b):
        total = Signal(len(log_a) + 1)
        m.d.comb += total.eq(sum_and_one(log_a, log_b, len(total)))
        return total

    def appended(self):
        return Const(1, 1)
