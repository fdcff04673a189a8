"""The core of SSM and ESSM.

The structure is the authors': multiplexers that choose a segment of m bits of each operand, an
m x m multiplier, and multiplexers that put the product back in its place.

Ref: S. Narayanamoorthy et al., IEEE Trans. VLSI Systems 23(6), 2015.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers.static_segment import StaticSegmentSpec


@core_of(StaticSegmentSpec)
class StaticSegmentCore(Core):
    """The product of two magnitudes; parameters and members are Core's."""

    def operand(self, m, name, x):
        return self.segment(m, name, x)

    def combined(self, m, a, b):
        (segment_a, place_a), (segment_b, place_b) = a, b
        product = Signal(2 * self.spec.m)
        place = Signal(range(2 * len(self.spec.shifts) - 1))
        m.d.comb += [product.eq(segment_a * segment_b), place.eq(place_a + place_b)]
        return product, place

    def result(self, m, product, place):
        for stage, is_shifted in enumerate(place):
            span = self.spec.shifts[1] << stage
            moved = Cat(Const(0, span), product)[: len(self.product)]
            shifted = Signal(len(moved), name=f"shifted_{span}")
            m.d.comb += shifted.eq(Mux(is_shifted, moved, product))
            product = shifted
        return product

    def segment(self, m: Module, name: str, x: Value) -> tuple[Value, Value]:
        """Return the lowest segment that holds the leading one of `x`, and its number."""
        place = Signal(range(len(self.spec.shifts)), name=f"place_{name}")
        segment = Signal(self.spec.m, name=f"segment_{name}")
        for number, shift in enumerate(self.spec.shifts):
            below = self.spec.shifts[max(number - 1, 0)] + self.spec.m
            with m.If(self.is_above(x, below) if number else Const(1)):
                m.d.comb += [place.eq(number), segment.eq(x[shift : shift + self.spec.m])]
        return segment, place

    def is_above(self, x: Value, end: int) -> Value:
        """Return whether `x` has a one from bit `end` on."""
        return x[end:].any()
