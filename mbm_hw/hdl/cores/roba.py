"""The core of RoBA."""

from mbm_hw.hdl.cores.nearest_power import NearestPowerCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import RoBA


@core_of(RoBA)
class RoBACore(NearestPowerCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def is_up(self, leading_one):
        """Return whether the operand is rounded up: not from 3, which has its leading one at 1."""
        is_at_1 = leading_one.position[0] & ~leading_one.position[1:].any()
        return super().is_up(leading_one) & ~is_at_1
