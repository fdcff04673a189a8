"""The core of DRUM.

The structure is the authors': two leading-one detectors and shifters, which give a segment of k
bits each, a k x k multiplier and one barrel shifter.

Ref: S. Hashemi, R. I. Bahar, S. Reda, ICCAD 2015.
"""

from amaranth import Cat, Module, Signal, Value

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.hdl.shifter import scaled
from mbm_hw.multipliers import DRUM


@core_of(DRUM)
class DRUMCore(Core):
    """The product of two magnitudes; parameters and members are Core's."""

    def operand(self, m, name, x):
        return self.segment(m, name, x)

    def combined(self, m, a, b):
        (segment_a, shift_a), (segment_b, shift_b) = a, b
        product = Signal(2 * self.spec.k)
        shift = Signal(len(shift_a) + 1)
        m.d.comb += [product.eq(segment_a * segment_b), shift.eq(shift_a + shift_b)]
        return product, shift

    def result(self, m, product, shift):
        return scaled(m, product, shift, 0, len(self.product))

    def segment(self, m: Module, name: str, x: Value) -> tuple[Value, Value]:
        """Return the k bits of `x` from its leading one on, and how far they were shifted."""
        lowest = self.spec.k - 1
        leading_one = LeadingOne(self.spec.width, tail_width=lowest, lowest=lowest)
        m.submodules[f"leading_one_{name}"] = leading_one
        shift = Signal.like(leading_one.position, name=f"shift_{name}")
        segment = Signal(self.spec.k, name=f"segment_{name}")
        m.d.comb += [
            leading_one.x.eq(x),
            shift.eq(leading_one.position),
            segment.eq(Cat(leading_one.tail, leading_one.valid) | self.forced(shift)),
        ]
        return segment, shift

    def forced(self, shift: Value) -> Value:
        """Return the bit that is set where bits were cut."""
        return shift.any()
