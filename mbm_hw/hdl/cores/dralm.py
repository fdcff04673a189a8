"""The core of DR-ALM."""

from amaranth import Cat, Const

from mbm_hw.hdl.cores.log_steps import LogStepsCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import DRALM


@core_of(DRALM)
class DRALMCore(LogStepsCore):
    """The product of two magnitudes; parameters and members are Core's.

    The lowest bit of both fractions is set: their sum has a 0 there, and the compensation sets it.
    """

    def total(self, m, log_a, log_b):
        total = super().total(m, log_a, log_b)
        return Cat(self.compensation(), total[1:])

    def compensation(self) -> Const:
        """Return the lowest bit of the sum."""
        return Const(1, 1)
