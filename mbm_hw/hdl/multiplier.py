"""The multiplier in Amaranth: any spec, combinational or pipelined."""

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.cores import Core, core_for, core_kind
from mbm_hw.hdl.designs import check_pipeline
from mbm_hw.hdl.negation import negated_if
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import Spec, as_spec, multiply


class Multiplier(wiring.Component):
    """The multiplier that `spec` describes, bit for bit as `reference.multiply` computes it.

    Operands and product are patterns: two's complement where an integer spec is signed. A
    sign-magnitude table has no operand -2**(width - 1); what it gives for that pattern is not
    specified.

    Parameters
    ----------
    spec : any spec, or its name; another object is a TypeError.
    pipeline : register stages, 0 to 4; the latency in enabled clocks. The last stage is always the
        product's, so that the output comes from registers. Anything else is a ValueError.

    Members
    -------
    a, b : In(spec.width)
    product : Out(spec.product_width)
    en : In(1), all registers hold while it is 0. Pipelined multipliers have it, and a clock domain
        `sync` whose synchronous reset clears all registers whatever `en` is; the products that
        come next are those of 0 and 0, until operands have passed.
    """

    def __init__(self, spec: Spec | str, pipeline: int = 0):
        spec = as_spec(spec)
        check_pipeline(pipeline)
        self.spec = spec
        self.has_signs = core_kind(spec).has_signs(spec)
        self.pipeline = pipeline
        cleared = int(multiply(spec, 0, 0)) & ((1 << spec.product_width) - 1)
        members = {"a": In(spec.width), "b": In(spec.width)}
        members |= {"product": Out(spec.product_width, init=cleared)}
        super().__init__(members | ({"en": In(1)} if pipeline else {}))

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self.core(max(self.pipeline - 1, 0))
        if core.latency:
            m.d.comb += core.en.eq(self.en)
        if self.has_signs:
            product = self._signed_product(m, core)
        else:
            m.d.comb += [core.a.eq(self.a), core.b.eq(self.b)]
            product = self._unsigned_product(m, core)
        if not self.pipeline:
            m.d.comb += self.product.eq(product)
        else:
            with m.If(self.en):
                m.d.sync += self.product.eq(product)
        return m

    def core(self, latency: int) -> Core:
        """Return the component that multiplies, magnitudes if `has_signs`, in `latency` clocks."""
        return core_for(self.spec, latency)

    def sign(self, sign_a: Value, sign_b: Value) -> Value:
        return sign_a ^ sign_b

    def _signed_product(self, m, core):
        sign = Signal()
        m.d.comb += [
            core.a.eq(negated_if(m, self.a[-1], self.a[: len(core.a)], "magnitude_a")),
            core.b.eq(negated_if(m, self.b[-1], self.b[: len(core.b)], "magnitude_b")),
            sign.eq(self.sign(self.a[-1], self.b[-1])),
        ]
        for _ in range(core.latency):
            (sign,) = registered(m, self.en, sign)
        magnitude = Signal(self.spec.product_width)
        m.d.comb += magnitude.eq(core.product)
        if not hasattr(core, "small_product"):
            return negated_if(m, sign, magnitude, "signed")
        return negated_if(m, sign, magnitude, "signed", core.small_product, core.small_width)

    def _unsigned_product(self, m, core):
        if not hasattr(core, "small_product"):
            return core.product
        low = Signal(core.small_width)
        m.d.comb += low.eq(core.product[: core.small_width] + core.small_product)
        return Cat(low, core.product[core.small_width :])
