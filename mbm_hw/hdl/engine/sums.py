"""The accumulator buffer: the sums of a tile's outputs, from pass to pass."""

from amaranth import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.accumulation import Accumulation
from mbm_hw.hdl.engine.parameters import EngineParameters
from mbm_hw.hdl.registers import registered


class Sums(wiring.Component):
    """Adds the columns' totals to the sums of their position, and gives whole sums away.

    Members
    -------
    en : In(1), nothing moves while it is 0.
    valid, position, first, last : In, of the totals that come one enabled clock later.
    totals : In(columns * total_width), column 0 lowest.
    results : Out(stream), see `Engine`.
    """

    def __init__(self, parameters: EngineParameters, total_width: int):
        self.parameters = parameters
        self.total_width = total_width
        super().__init__(
            {
                "en": In(1),
                "valid": In(1),
                "position": In(range(parameters.positions)),
                "first": In(1),
                "last": In(1),
                "totals": In(parameters.columns * total_width),
                "results": Out(stream.Signature(parameters.result_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        columns, width = self.parameters.columns, self.parameters.accumulator_width
        m.submodules.buffer = buffer = memory.Memory(
            shape=self.parameters.result_width, depth=self.parameters.positions, init=[]
        )
        write, read = buffer.write_port(), buffer.read_port()
        valid, position, first, last = (
            signal
            for member in (self.valid, self.position, self.first, self.last)
            for signal in registered(m, self.en, member)
        )
        before, after = read.data, Signal(self.parameters.result_width)
        for i in range(columns):
            accumulation = Accumulation(width, self.total_width, self.parameters.spec.signed)
            m.submodules[f"accumulation{i}"] = accumulation
            m.d.comb += [
                accumulation.first.eq(first),
                accumulation.sum_before.eq(before.word_select(i, width)),
                accumulation.overflow_before.eq(before[columns * width + i]),
                accumulation.addend.eq(self.totals.word_select(i, self.total_width)),
                after.word_select(i, width).eq(accumulation.sum),
                after[columns * width + i].eq(accumulation.overflow),
            ]
        keeps = Signal()
        m.d.comb += [
            keeps.eq(self.en & valid & ~last),
            read.addr.eq(self.position),
            read.en.eq(self.en),
            write.addr.eq(position),
            write.data.eq(after),
            write.en.eq(keeps),
        ]
        with m.If(self.en):
            m.d.sync += [
                self.results.valid.eq(valid & last),
                self.results.payload.eq(after),
            ]
        return m
