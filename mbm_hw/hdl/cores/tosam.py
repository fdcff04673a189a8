"""The core of TOSAM.

The structure is the authors': two leading-one detectors and normalising shifters, an adder of t
bits, a multiplier of h + 1 bits, an adder for both, and one barrel shifter.

Ref: S. Vahdat et al., IEEE Trans. VLSI Systems 27(5), 2019.
"""

from amaranth import Cat, Const, Module, Signal, Value

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.hdl.shifter import scaled
from mbm_hw.multipliers import TOSAM


@core_of(TOSAM)
class TOSAMCore(Core):
    """The product of two magnitudes; parameters and members are Core's."""

    def operand(self, m, name, x):
        leading_one = LeadingOne(self.spec.width, tail_width=max(self.spec.t, self.spec.h))
        m.submodules[f"leading_one_{name}"] = leading_one
        m.d.comb += leading_one.x.eq(x)
        return leading_one.position, leading_one.tail, leading_one.valid

    def combined(self, m, a, b):
        characteristic_a, fraction_a, nonzero_a = a
        characteristic_b, fraction_b, nonzero_b = b
        characteristic = Signal(len(characteristic_a) + 1)
        nonzero = Signal()
        m.d.comb += [
            characteristic.eq(characteristic_a + characteristic_b),
            nonzero.eq(self.is_nonzero(nonzero_a, nonzero_b)),
        ]
        return self.mantissa(m, fraction_a, fraction_b), characteristic, nonzero

    def result(self, m, mantissa, characteristic, nonzero):
        width = self.spec.mantissa_width
        return scaled(m, mantissa, characteristic, width, len(self.product), gate=nonzero)

    def added(self, fraction: Value) -> Value:
        """Return the fraction bits that are added: the t highest ones."""
        return fraction[len(fraction) - self.spec.t :]

    def rounded(self, fraction: Value) -> Value:
        """Return the fraction bits that are multiplied: the h highest ones and a 1."""
        return Cat(Const(1, 1), fraction[len(fraction) - self.spec.h :])

    def mantissa(self, m: Module, fraction_a: Value, fraction_b: Value) -> Signal:
        """Return 1 + x + y + xy, in units of 2**-mantissa_width."""
        width = self.spec.mantissa_width
        total = Signal(self.spec.t + 1)
        cross = Signal(2 * (self.spec.h + 1))
        mantissa = Signal(width + 2)
        m.d.comb += [
            total.eq(self.added(fraction_a) + self.added(fraction_b)),
            cross.eq(self.rounded(fraction_a) * self.rounded(fraction_b)),
            mantissa.eq(
                Cat(Const(0, width - self.spec.t), Cat(total[:-1], ~total[-1], total[-1]))
                + Cat(Const(0, width - len(cross)), cross)
            ),
        ]
        return mantissa

    def is_nonzero(self, nonzero_a: Value, nonzero_b: Value) -> Value:
        return nonzero_a & nonzero_b
