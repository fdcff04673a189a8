"""The dot-product unit, and with one lane the MAC: multipliers, an adder tree, an accumulator."""

from amaranth import Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.accumulation import Accumulation
from mbm_hw.hdl.adder_tree import tree_sum
from mbm_hw.hdl.designs import check_pipeline
from mbm_hw.hdl.multiplier import Multiplier
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import IntegerSpec, as_spec, multiply

ACCUMULATOR_WIDTH = 32
MAX_LANES = 256


class DotProduct(wiring.Component):
    """The sum of products of `lanes` pairs of operands, accumulated over the clocks.

    Each product is `reference.multiply`'s, their sum exact; the accumulator wraps modulo
    2**accumulator_width and has a sticky overflow flag. With one lane this is a MAC.

    Parameters
    ----------
    spec : any integer spec, or its name; another object is a TypeError.
    lanes : products a clock, 1 to 256.
    pipeline : register stages before the accumulator, as many as a multiplier may have.
        With several lanes the last one holds the tree's sum and the others are the multipliers'.
    accumulator_width : bits of the sum; it must hold one clock's products, else a ValueError.

    Members
    -------
    en : In(1), all registers hold while it is 0.
    first : In(1), these operands start a new sum, with the flag at 0.
    a, b : In(lanes * spec.width), lane 0 lowest, patterns as for `Multiplier`.
    sum : Out(accumulator_width), with these operands in it `pipeline` + 1 enabled clocks later.
    overflow : Out(1), whether this sum has left the accumulator's range at any of its additions.

    The clock domain `sync` has a synchronous reset that clears all registers whatever `en` is:
    the next sum starts at 0, also that of a table whose product of 0 and 0 is another number.
    """

    def __init__(
        self,
        spec: IntegerSpec | str,
        lanes: int,
        pipeline: int = 0,
        accumulator_width: int = ACCUMULATOR_WIDTH,
    ):
        spec = as_spec(spec)
        check_dot_product(spec, lanes, pipeline, accumulator_width)
        self.spec = spec
        self.lanes = lanes
        self.pipeline = pipeline
        self.accumulator_width = accumulator_width
        members = {"en": In(1), "first": In(1)}
        members |= {"a": In(lanes * spec.width), "b": In(lanes * spec.width)}
        super().__init__(members | {"sum": Out(accumulator_width), "overflow": Out(1)})

    def elaborate(self, platform):
        m = Module()
        tree_stage = self.pipeline > 0 and self.lanes > 1
        total = self.total(m, self.products(m, self.pipeline - tree_stage))
        if tree_stage:
            (total,) = registered(m, self.en, total)
        first = Signal()
        m.d.comb += first.eq(self.first)
        for _ in range(self.pipeline):
            (first,) = registered(m, self.en, first)
        m.submodules.accumulation = accumulation = self.accumulation(len(total))
        m.d.comb += [
            accumulation.first.eq(first),
            accumulation.sum_before.eq(self.sum),
            accumulation.overflow_before.eq(self.overflow),
            accumulation.addend.eq(total),
        ]
        enable = self.en
        if self.pipeline and multiply(self.spec, 0, 0):
            enable = self.en & self.is_filled(m)
        with m.If(enable):
            m.d.sync += [
                self.sum.eq(accumulation.sum),
                self.overflow.eq(accumulation.overflow),
            ]
        return m

    def is_filled(self, m: Module) -> Signal:
        """Return whether operands have come through the stages since a reset.

        Before, the accumulator must wait if the products that a reset leaves there are not 0.
        """
        filled = Signal()
        m.d.comb += filled.eq(1)
        for _ in range(self.pipeline):
            (filled,) = registered(m, self.en, filled)
        return filled

    def accumulation(self, addend_width: int) -> Accumulation:
        return Accumulation(self.accumulator_width, addend_width, self.spec.signed)

    def total(self, m: Module, products: list[Signal]) -> Signal:
        return tree_sum(m, products)

    def products(self, m: Module, pipeline: int) -> list[Signal]:
        """Return the lanes' products, lane 0 first."""
        kind, width = signed if self.spec.signed else unsigned, self.spec.width
        products = []
        for lane in range(self.lanes):
            multiplier = Multiplier(self.spec, pipeline)
            m.submodules[f"lane{lane}"] = multiplier
            product = Signal(kind(self.spec.product_width), name=f"product{lane}")
            m.d.comb += [
                multiplier.a.eq(self.a.word_select(lane, width)),
                multiplier.b.eq(self.b.word_select(lane, width)),
                product.eq(multiplier.product),
            ]
            if pipeline:
                m.d.comb += multiplier.en.eq(self.en)
            products.append(product)
        return products


def check_dot_product(spec: IntegerSpec, lanes: int, pipeline: int, accumulator_width: int):
    """Raise a TypeError or a ValueError if there is no such dot-product unit."""
    if spec.is_float:
        raise TypeError(f"DotProduct takes an integer spec, not {spec!r}")
    check_pipeline(pipeline)
    if isinstance(lanes, bool) or lanes not in range(1, MAX_LANES + 1):
        raise ValueError(f"lanes must be an integer 1 to {MAX_LANES}, not {lanes!r}")
    needed = spec.product_width + (lanes - 1).bit_length()
    if isinstance(accumulator_width, bool) or accumulator_width not in range(needed, 129):
        raise ValueError(
            f"accumulator_width must be an integer {needed} to 128 for {lanes} products of "
            f"{spec.product_width} bits, not {accumulator_width!r}"
        )
