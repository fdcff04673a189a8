"""The correction's adder, which the integer and the floating-point multipliers share."""

from collections.abc import Callable

from amaranth import Cat, Const, Module, Mux, Signal, Value


def limited_sum(
    m: Module,
    fraction: Value,
    carry: Value,
    corrections: tuple[int, int],
    is_overflow: Callable[[Value], Value],
) -> Value:
    """Return fraction + correction, or the fraction alone where `is_overflow` says so.

    corrections : the constants without and with a carry, in units of the fraction's lowest bit.
    is_overflow : takes the corrected sum, its highest bit the carry out of the fraction.
    The adder and the multiplexer start at the correction's lowest bit. The result has one bit more
    than the fraction.
    """
    without_carry, with_carry = corrections
    both = without_carry | with_carry
    if not both:
        return Cat(fraction, Const(0, 1))
    lowest = (both & -both).bit_length() - 1
    high = fraction[lowest:]
    constants = (Const(c >> lowest, len(high)) for c in (with_carry, without_carry))
    corrected = Signal(len(high) + 1)
    overflow = Signal()
    limited = Signal.like(corrected)
    m.d.comb += [
        corrected.eq(high + Mux(carry, *constants)),
        overflow.eq(is_overflow(corrected)),
        limited.eq(Mux(overflow, high, corrected)),
    ]
    return Cat(fraction[:lowest], limited)
