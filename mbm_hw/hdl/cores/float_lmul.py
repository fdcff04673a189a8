"""The core of LMul: an adder of patterns, and a short one for the offset.

Ref: H. Luo, W. Sun, arXiv 2410.00907, 2024.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data

from mbm_hw.hdl.cores.array import gated
from mbm_hw.hdl.cores.float_log import FloatLogCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import FloatLMul


@core_of(FloatLMul)
class FloatLMulCore(FloatLogCore):
    """The sum of the patterns and the offset; parameters and members are FloatCore's."""

    @property
    def kept_width(self) -> int:
        return self.spec.mantissa_bits

    def log2(self, operand: data.View) -> Value:
        # With 2 exponent bits a subnormal mantissa, which counts as 0, could carry to infinity.
        gate = operand.exponent.any() if self.spec.exponent_bits == 2 else Const(1)
        return Cat(gated(operand.mantissa, gate), operand.exponent)

    def normalised(self, m: Module, total: Signal, carry: Signal) -> tuple[Signal, Signal]:
        width, lowest = self.kept_width, self.offset().bit_length() - 1
        high = Signal(width - lowest + 1)  # of the sum with the offset, its carry on top
        exponent = Signal(self.spec.exponent_bits + 1)
        mantissa = Signal(width)
        exponent_sum = self.exponent(total[width:], high[-1])
        m.d.comb += [
            high.eq(total[lowest:width] + Const(self.offset() >> lowest)),
            mantissa.eq(Cat(total[:lowest], high[:-1])),
            exponent.eq(Mux(self.vanishes(carry & high[-1], exponent_sum), 0, exponent_sum)),
        ]
        return exponent, mantissa

    def offset(self) -> int:
        """Return the constant added to the sum of the fractions, a power of two."""
        return self.spec.offset

    def vanishes(self, carries_twice: Value, exponent: Value) -> Value:
        """Return whether the exponent was below 0 before the fractions carried into it twice."""
        if self.offset() == 1:  # then they carry once at most
            return Const(0)
        return carries_twice & (exponent == (1 << (self.spec.exponent_bits - 1)) + 1)
