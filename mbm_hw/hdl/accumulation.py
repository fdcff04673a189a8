"""One addition of an accumulator that wraps, and says that it has."""

from amaranth import Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Accumulation(wiring.Component):
    """The running sum after one more addend, modulo 2**width, and its sticky overflow flag.

    Combinational: the sum and the flag are kept elsewhere, in registers or in a memory.

    Parameters
    ----------
    width : bits of the sum.
    addend_width : bits of the addend, at most `width`.
    signed : whether addend and sum are two's complement.

    Members
    -------
    first : In(1), the addend is a sum's first: the sum and the flag before it are forgotten.
    sum_before, overflow_before : In(width), In(1)
    addend : In(addend_width)
    sum : Out(width)
    overflow : Out(1), whether an addition since the last first one left the range of the sum, even
        if a later one has brought it back.
    """

    def __init__(self, width: int, addend_width: int, signed: bool):
        self.width = width
        self.signed = signed
        super().__init__(
            {
                "first": In(1),
                "sum_before": In(width),
                "overflow_before": In(1),
                "addend": In(addend_width),
                "sum": Out(width),
                "overflow": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        kind = signed if self.signed else unsigned
        before = Signal(kind(self.width))
        addend = Signal(kind(len(self.addend)))
        total = Signal(kind(self.width + 1))
        m.d.comb += [
            before.eq(self.kept_sum()),
            addend.eq(self.addend),
            total.eq(before + addend),
            self.sum.eq(total),
            self.overflow.eq(self.kept_overflow() | self.leaves_range(total)),
        ]
        return m

    def kept_sum(self):
        return Mux(self.first, 0, self.sum_before)

    def kept_overflow(self):
        return self.overflow_before & ~self.first

    def leaves_range(self, total):
        """Return whether `total`, a bit wider than the sum, does not fit it."""
        return total[-1] ^ total[-2] if self.signed else total[-1]
