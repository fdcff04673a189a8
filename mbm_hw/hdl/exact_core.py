"""The exact multiplier, left to the synthesiser: it knows Booth's recoding and the DSP blocks."""

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import Exact


class ExactCore(wiring.Component):
    """The exact product.

    Parameters
    ----------
    spec : the multiplier.
    latency : register stages, 0 to 3: one holds the operands, two the product as well, three the
        operands twice, as the multipliers of FPGAs can.

    Members
    -------
    a, b : In(spec.width), patterns.
    product : Out(spec.product_width)
    en : In(1), the registers hold while it is 0. Not there if latency is 0.
    """

    def __init__(self, spec: Exact, latency: int = 0):
        self.spec = spec
        self.latency = latency
        members = {"a": In(spec.width), "b": In(spec.width), "product": Out(spec.product_width)}
        super().__init__(members | ({"en": In(1)} if latency else {}))

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
