"""One column of the array: the products of one output channel and their sum."""

from amaranth import Instance, Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.adder_tree import tree_sum
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import IntegerSpec


class Column(wiring.Component):
    """The sum of `rows` products of activations and weights, two enabled clocks later.

    The multipliers are instances of the combinational module that `to_verilog(spec)` exports, so
    the one that was proven and simulated is the one that runs here.

    Members
    -------
    en : In(1), the registers hold while it is 0.
    activations, weights : In(rows * spec.width), row 0 lowest.
    total : Out(spec.product_width + ceil(log2(rows)))
    """

    def __init__(self, spec: IntegerSpec, rows: int):
        self.spec = spec
        self.rows = rows
        members = {"en": In(1)}
        members |= {name: In(rows * spec.width) for name in ("activations", "weights")}
        total_width = spec.product_width + (rows - 1).bit_length()
        super().__init__(members | {"total": Out(total_width)})

    def elaborate(self, platform):
        m = Module()
        kind, width = signed if self.spec.signed else unsigned, self.spec.width
        products = []
        for row in range(self.rows):
            product = Signal(self.spec.product_width, name=f"product{row}")
            m.submodules[f"row{row}"] = Instance(
                self.spec.identifier,
                i_a=self.activations.word_select(row, width),
                i_b=self.weights.word_select(row, width),
                o_product=product,
            )
            (product_q,) = registered(m, self.en, product)
            term = Signal(kind(self.spec.product_width), name=f"term{row}")
            m.d.comb += term.eq(product_q)
            products.append(term)
        total = tree_sum(m, products)
        (total_q,) = registered(m, self.en, total)
        m.d.comb += self.total.eq(total_q)
        return m
