"""Planted faults of the convolution engine; co-simulation tells each from the right one."""

from amaranth import Const

from mbm_hw.hdl.engine.engine import Engine
from mbm_hw.hdl.engine.sequencer import Sequencer


class PaddingWrongAtTheBorder(Sequencer):
    """The row below the patch and the column right of it are read, too."""

    def is_inside(self, coordinate, size):
        return (coordinate >= 0) & (coordinate <= size)


class StrideOffByOne(Sequencer):
    def column_step(self):
        return self.job.stride_x + 1


class SumsNotCleared(Sequencer):
    def starts_sum(self, starts_kernel):
        return Const(0)


class WeightsSwappedWhileStalled(Engine):
    def swaps(self, sequencer):
        return sequencer.job_valid & sequencer.weights_ready & sequencer.starts_pass


class BackPressureIgnored(Engine):
    def advances(self):
        return Const(1)


def _with(faulty_sequencer: type[Sequencer]) -> type[Engine]:
    class FaultyEngine(Engine):
        def sequencer(self):
            return faulty_sequencer(self.parameters.patch, self.parameters.positions)

    return FaultyEngine


ENGINE_FAULTS = {
    "padding_wrong_at_the_border": _with(PaddingWrongAtTheBorder),
    "stride_off_by_one": _with(StrideOffByOne),
    "sums_not_cleared": _with(SumsNotCleared),
    "weights_swapped_while_stalled": WeightsSwappedWhileStalled,
    "back_pressure_ignored": BackPressureIgnored,
}
