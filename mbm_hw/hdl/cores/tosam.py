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
        spec = self.spec
        leading_one = LeadingOne(spec.width, tail_width=max(spec.t, spec.h))
        m.submodules[f"leading_one_{name}"] = leading_one
        m.d.comb += leading_one.x.eq(x)
        tail = leading_one.tail
        added, rounded = tail[len(tail) - spec.t :], self.rounded(tail[len(tail) - spec.h :])
        return leading_one.position, added, rounded, leading_one.valid

    def combined(self, m, a, b):
        characteristic_a, added_a, rounded_a, nonzero_a = a
        characteristic_b, added_b, rounded_b, nonzero_b = b
        characteristic = Signal(len(characteristic_a) + 1)
        nonzero = Signal()
        m.d.comb += [
            characteristic.eq(characteristic_a + characteristic_b),
            nonzero.eq(self.is_nonzero(nonzero_a, nonzero_b)),
        ]
        mantissa = self.mantissa(m, added_a, added_b, rounded_a, rounded_b)
        return mantissa, characteristic, nonzero

    def result(self, m, mantissa, characteristic, nonzero):
        width = self.spec.mantissa_width
        return scaled(m, mantissa, characteristic, width, len(self.product), gate=nonzero)

    def rounded(self, highest: Value) -> Value:
        """Return the fraction bits that are multiplied: the h highest ones and a 1."""
        return Cat(Const(1, 1), highest)

    def mantissa(self, m: Module, added_a, added_b, rounded_a, rounded_b) -> Signal:
        """Return 1 + x + y + xy, in units of 2**-mantissa_width."""
        width = self.spec.mantissa_width
        total = Signal(self.spec.t + 1)
        cross = Signal(2 * len(rounded_a))
        mantissa = Signal(width + 2)
        m.d.comb += [
            total.eq(added_a + added_b),
            cross.eq(rounded_a * rounded_b),
            mantissa.eq(
                Cat(Const(0, width - self.spec.t), Cat(total[:-1], ~total[-1], total[-1]))
                + Cat(Const(0, width - len(cross)), cross)
            ),
        ]
        return mantissa

    def is_nonzero(self, nonzero_a: Value, nonzero_b: Value) -> Value:
        return nonzero_a & nonzero_b
