"""Two sets of weights: one is at work while the other is filled, column by column."""

from amaranth import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Weights(wiring.Component):
    """Takes a word for each column, and puts all columns to work at once.

    Members
    -------
    weights : In(stream), see `Engine`.
    ready : Out(1), a set is whole. swap : In(1), it goes to work with the next clock.
    active : Out(columns * word_width), the set at work, column 0 lowest.
    """

    def __init__(self, word_width: int, columns: int):
        self.word_width = word_width
        self.columns = columns
        super().__init__(
            {
                "weights": In(stream.Signature(word_width)),
                "ready": Out(1),
                "swap": In(1),
                "active": Out(word_width * columns),
            }
        )

    def elaborate(self, platform):
        m = Module()
        shadow = Signal(len(self.active))
        column = Signal(range(self.columns))
        m.d.comb += self.weights.ready.eq(~self.ready | self.swap)
        with m.If(self.swap):
            m.d.sync += [self.active.eq(shadow), self.ready.eq(0)]
        with m.If(self.weights.valid & self.weights.ready):
            m.d.sync += [
                shadow.eq(Cat(shadow, self.weights.payload)[self.word_width :]),
                column.eq(column + 1),
            ]
            with m.If(column == self.columns - 1):
                m.d.sync += [column.eq(0), self.ready.eq(1)]
        return m
