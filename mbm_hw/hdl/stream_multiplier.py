"""The multiplier between two streams, which may stall it from either side."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.multiplier import Multiplier
from mbm_hw.multipliers import Spec


class StreamMultiplier(wiring.Component):
    """`Multiplier` with back-pressure: one product a clock as long as nobody stalls.

    A buffer for one pair of operands takes what comes in the clock in which a stall begins, so
    that `operands.ready` is a register: there is no combinational path to it. A stalled product
    stops all stages; a gap between operands stays a gap.

    Parameters
    ----------
    spec, pipeline : those of `Multiplier`. Without register stages the products follow the operands
        combinationally, but for those in the buffer.

    Members
    -------
    operands : In(stream.Signature), a and b its payload's fields: patterns of spec.width bits.
    products : Out(stream.Signature), patterns of spec.product_width bits, in the operands' order.
        Whatever the clock domain's reset finds inside is dropped.
    """

    def __init__(self, spec: Spec | str, pipeline: int = 0):
        self.multiplier = Multiplier(spec, pipeline)
        spec = self.multiplier.spec
        self.operands_layout = data.StructLayout({"a": spec.width, "b": spec.width})
        super().__init__(
            {
                "operands": In(stream.Signature(self.operands_layout)),
                "products": Out(stream.Signature(spec.product_width)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.multiplier = multiplier = self.multiplier
        operands, products = self.operands, self.products
        held = Signal(self.operands_layout)
        is_held = Signal()
        valid = Signal()  # whether the multiplier is given operands
        moves = Signal()
        m.d.comb += [
            operands.ready.eq(~is_held),
            valid.eq(operands.valid | is_held),
            moves.eq(products.ready | ~products.valid),
            multiplier.a.eq(Mux(is_held, held.a, operands.payload.a)),
            multiplier.b.eq(Mux(is_held, held.b, operands.payload.b)),
            products.payload.eq(multiplier.product),
        ]
        with m.If(moves):
            m.d.sync += is_held.eq(0)
        with m.Elif(valid & ~is_held):
            m.d.sync += [is_held.eq(1), held.eq(operands.payload)]

        if multiplier.pipeline:
            m.d.comb += multiplier.en.eq(moves)
        for stage in range(multiplier.pipeline):
            valid, valid_before = Signal(name=f"valid_{stage}"), valid
            with m.If(moves):
                m.d.sync += valid.eq(valid_before)
        m.d.comb += products.valid.eq(valid)
        return m


class StreamPorts(wiring.Component):
    """`StreamMultiplier` with the ports that its Verilog has.

    Members
    -------
    a, b, operands_valid, operands_ready : the stream of operands.
    product, product_valid, product_ready : the stream of products.
    """

    def __init__(self, spec: Spec | str, pipeline: int = 0):
        self.streams = StreamMultiplier(spec, pipeline)
        spec = self.streams.multiplier.spec
        super().__init__(
            {
                "a": In(spec.width),
                "b": In(spec.width),
                "operands_valid": In(1),
                "operands_ready": Out(1),
                "product": Out(spec.product_width),
                "product_valid": Out(1),
                "product_ready": In(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.streams = streams = self.streams
        m.d.comb += [
            streams.operands.payload.a.eq(self.a),
            streams.operands.payload.b.eq(self.b),
            streams.operands.valid.eq(self.operands_valid),
            self.operands_ready.eq(streams.operands.ready),
            self.product.eq(streams.products.payload),
            self.product_valid.eq(streams.products.valid),
            streams.products.ready.eq(self.product_ready),
        ]
        return m
