"""The exact floating-point multiplier."""

from amaranth import Cat, Const, Mux, Signal, Value

from mbm_hw.hdl.cores.float_core import FloatCore, sum_and_one
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import FloatExact


@core_of(FloatExact)
class FloatExactCore(FloatCore):
    """The exact product of the significands, rounded to the nearest, ties to even.

    The product is left to the synthesiser: it knows Booth's recoding and the DSP blocks.
    """

    def raw(self, m, a, b):
        width = self.spec.mantissa_bits + 1
        significand = Signal(2 * width)
        exponent = Signal(self.spec.exponent_bits + 1)
        m.d.comb += [
            significand.eq(Cat(a.mantissa, Const(1, 1)) * Cat(b.mantissa, Const(1, 1))),
            exponent.eq(sum_and_one(a.exponent, b.exponent, len(exponent))),
        ]
        return significand, exponent

    def normalised(self, m, significand, exponent):
        mantissa_bits = self.spec.mantissa_bits
        increment = significand[-1]
        kept = Signal(mantissa_bits)
        half = Signal()
        rest = Signal()
        rounded = Signal(mantissa_bits + 1)
        normalised_exponent = Signal.like(exponent)
        mantissa = Signal(mantissa_bits)
        m.d.comb += [
            Cat(half, kept).eq(
                Mux(increment, significand[mantissa_bits:-1], significand[mantissa_bits - 1 : -2])
            ),
            rest.eq(
                significand[: mantissa_bits - 1].any() | increment & significand[mantissa_bits - 1]
            ),
            rounded.eq(kept + self.rounds_up(half, rest, kept[0])),
            # Products of 2 or more are never rounded up to 4: the carry is at most 1.
            normalised_exponent.eq(exponent + (increment | rounded[-1])),
            mantissa.eq(rounded),
        ]
        return normalised_exponent, mantissa

    def rounds_up(self, half: Value, rest: Value, lowest: Value) -> Value:
        """Return whether 1 is added: more than half is dropped, or half of it and it is odd."""
        return half & (rest | lowest)
