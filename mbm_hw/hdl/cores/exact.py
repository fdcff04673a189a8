"""The exact multiplier, left to the synthesiser: it knows Booth's recoding and the DSP blocks."""

from amaranth import Module, Signal

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import Exact


@core_of(Exact)
class ExactCore(Core):
    """The exact product; its members are Core's.

    Parameters
    ----------
    spec : the multiplier.
    latency : register stages, 0 to 3: one holds the operands, two the product as well, three the
        operands twice, as the multipliers of FPGAs can.
    """

    def elaborate(self, platform):
        m = Module()
        a, b = self.a, self.b
        for _ in range((0, 1, 1, 2)[self.latency]):
            a, b = registered(m, self.en, a, b)
        exact = Signal(self.spec.product_width)
        m.d.comb += exact.eq(a.as_signed() * b.as_signed() if self.spec.signed else a * b)
        if self.latency >= 2:
            (exact,) = registered(m, self.en, exact)
        m.d.comb += self.product.eq(exact)
        return m
