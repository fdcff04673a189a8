"""The logarithmic floating-point multipliers, Mitchell's and MBM.

A normal number's pattern is its logarithm: there is no leading one to detect and nothing to shift.
One adder, the correction's short one, and a 2x1 multiplexer for what it carries to 2.

Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018, section on fp.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data

from mbm_hw.hdl.cores.float_core import FloatCore, sum_and_one
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.correction import halved, limited_sum
from mbm_hw.multipliers import FloatLogSpec


@core_of(FloatLogSpec)
class FloatLogCore(FloatCore):
    """The sum of the logarithms, corrected.

    The steps are those of `FloatLogSpec`, by name; fractions hold the kept mantissa bits alone.
    A subclass may override a step, which is how faults are planted.
    """

    @property
    def kept_width(self) -> int:
        return self.spec.fraction_width - self.spec.truncation

    def raw(self, m: Module, a: data.View, b: data.View) -> tuple[Signal, ...]:
        log_a, log_b = self.log2(a), self.log2(b)
        # One adder for exponents and fractions; the carry between them shows in the sum.
        total = Signal(len(log_a) + 1)
        carry = Signal()
        m.d.comb += [
            total.eq(log_a + log_b),
            carry.eq(log_a[self.kept_width] ^ log_b[self.kept_width] ^ total[self.kept_width]),
        ]
        return total, carry

    def normalised(self, m: Module, total: Signal, carry: Signal) -> tuple[Signal, Signal]:
        fraction = Signal(self.kept_width)
        m.d.comb += fraction.eq(total[: self.kept_width])
        correction = halved(carry, self.corrections(), self.kept_width)
        limited = limited_sum(m, fraction, *correction, lambda corrected: carry & corrected[-1])
        exponent = Signal(self.spec.exponent_bits + 1)
        mantissa = Signal(self.spec.mantissa_bits)
        m.d.comb += [
            exponent.eq(self.exponent(total[self.kept_width :], limited[-1])),
            mantissa.eq(self.mantissa(limited)),
        ]
        return exponent, mantissa

    def log2(self, operand: data.View) -> Value:
        """Return Mitchell's log2 of an operand: the kept fraction below the exponent field."""
        forced = self.forced()
        lowest = self.spec.truncation + len(forced)
        return Cat(forced, operand.mantissa[lowest:], operand.exponent)

    def forced(self) -> Const:
        """Return the fraction's bits that are set whatever the operand: one, if any."""
        return Const(1, 1 if self.spec.truncation or self.spec.forced else 0)

    def corrections(self) -> tuple[int, int]:
        """Return the constants added without and with a carry, in units of the kept fraction."""
        return tuple(correction >> self.spec.truncation for correction in self.spec.corrections)

    def exponent(self, total: Value, increment: Value) -> Value:
        """Return total + increment + 1; less the bias is plus 1, but for the highest bit."""
        return sum_and_one(total, increment, len(total))

    def mantissa(self, limited: Value) -> Value:
        """Return the mantissa: halved where the correction carried it to 2, truncated bits 0.

        What the carry left is less than the correction, and the bits above that are 0 either way.
        """
        truncation = self.spec.truncation
        full, increment = Cat(Const(0, truncation), limited[:-1]), limited[-1]
        width = (self.corrections()[0] << truncation).bit_length()
        if not width:
            return full
        low, high = full[:width], full[width:]
        return Mux(increment, Cat(low[1:], Const(0, 1), high), full)
