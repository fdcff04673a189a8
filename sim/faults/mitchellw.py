"""Faults of Mitch-w."""

from amaranth import Const

from mbm_hw.hdl.cores.log_steps import LogStepsCore
from mbm_hw.multipliers import MitchellW
from sim.faults.planting import planted


@planted(MitchellW(width=16, w=6))
class LowestBitForced(LogStepsCore):
    def forced(self):
        return Const(1, 1)


@planted(MitchellW(width=6, w=3, signed=True))
class ZeroNotHandled(LogStepsCore):
    def is_nonzero(self, nonzero_a, nonzero_b):
        return Const(1)
