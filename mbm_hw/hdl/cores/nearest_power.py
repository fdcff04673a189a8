"""The core of RoBA and ILM-EA.

With a = 2**k_a (1 + x), rounded to 2**(k_a + u_a), and b alike, the product is 2**(k_a + k_b) times
2**u_b x + 2**u_a y + 1, without the 1 where both are rounded up. So there are two leading-one
detectors and normalising shifters, one adder and one barrel shifter.

Ref: R. Zendegani et al., IEEE Trans. VLSI Systems 25(2), 2017.
Ref: M. S. Ansari, B. F. Cockburn, J. Han, IEEE Trans. Computers 70(4), 2021.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.hdl.shifter import scaled
from mbm_hw.multipliers.nearest_power import NearestPowerSpec


@core_of(NearestPowerSpec)
class NearestPowerCore(Core):
    """The product of two magnitudes; parameters and members are Core's."""

    @property
    def fraction_width(self) -> int:
        """Bits of the left-aligned fraction."""
        return self.spec.width - 1

    def operand(self, m, name, x):
        leading_one = LeadingOne(self.spec.width, tail_width=self.fraction_width)
        m.submodules[f"leading_one_{name}"] = leading_one
        is_up = Signal(name=f"is_up_{name}")
        m.d.comb += [leading_one.x.eq(x), is_up.eq(self.is_up(leading_one))]
        return leading_one.position, leading_one.tail, is_up, leading_one.valid

    def combined(self, m, a, b):
        characteristic_a, fraction_a, is_up_a, nonzero_a = a
        characteristic_b, fraction_b, is_up_b, nonzero_b = b
        total = Signal(self.fraction_width + 2)
        characteristic = Signal(len(characteristic_a) + 1)
        nonzero = Signal()
        m.d.comb += [
            total.eq(_doubled_if(is_up_b, fraction_a) + _doubled_if(is_up_a, fraction_b)),
            characteristic.eq(characteristic_a + characteristic_b),
            nonzero.eq(self.is_nonzero(nonzero_a, nonzero_b)),
        ]
        whole = self.whole(m, total[self.fraction_width :], is_up_a & is_up_b)
        return total[: self.fraction_width], whole, characteristic, nonzero

    def result(self, m, fraction, whole, characteristic, nonzero):
        mantissa, width = Cat(fraction, whole), self.fraction_width
        return scaled(m, mantissa, characteristic, width, len(self.product), gate=nonzero)

    def is_up(self, leading_one: LeadingOne) -> Value:
        """Return whether the operand is rounded up: to twice the power of its leading one."""
        return leading_one.tail[-1]

    def whole(self, m: Module, carries: Value, both_up: Value) -> Signal:
        """Return the mantissa's whole part: the sum's and 1, or that alone if both go up."""
        whole = Signal(2)
        m.d.comb += whole.eq(carries + ~both_up)
        return whole

    def is_nonzero(self, nonzero_a: Value, nonzero_b: Value) -> Value:
        return nonzero_a & nonzero_b


def _doubled_if(is_doubled: Value, x: Value) -> Value:
    return Mux(is_doubled, Cat(Const(0, 1), x), x)
