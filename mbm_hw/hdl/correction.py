"""The correction's adder, which the integer and the floating-point multipliers share."""

from collections.abc import Callable

from amaranth import Cat, Const, Module, Mux, Signal, Value


def halved(carry: Value, corrections: tuple[int, int], width: int) -> tuple[Value, int]:
    """Return the constant that `carry` selects and its lowest bit's index, for `limited_sum`.

    corrections : the constants without and with a carry, in units of the fraction's lowest bit.
    width : of the fraction, which is also the index if both constants are 0.
    """
    without_carry, with_carry = corrections
    both = without_carry | with_carry
    if not both:
        return Const(0, 0), width
    lowest = (both & -both).bit_length() - 1
    constants = (Const(c >> lowest, width - lowest) for c in (with_carry, without_carry))
    return Mux(carry, *constants), lowest


def limited_sum(
    m: Module,
    fraction: Value,
    correction: Value,
    lowest: int,
    is_overflow: Callable[[Value], Value],
) -> Value:
    """Return fraction + correction, or the fraction alone where `is_overflow` says so.

    correction : in units of 2**lowest of the fraction's lowest bit; none, if that is the fraction's
        width. is_overflow : takes the corrected sum, its highest bit the carry out of the fraction.
    The adder and the multiplexer start at the bit `lowest`. The result has one bit more than the
    fraction.
    """
    if lowest == len(fraction):
        return Cat(fraction, Const(0, 1))
    high = fraction[lowest:]
    corrected = Signal(len(high) + 1)
    overflow = Signal()
    limited = Signal.like(corrected)
    m.d.comb += [
        corrected.eq(high + correction),
        overflow.eq(is_overflow(corrected)),
        limited.eq(Mux(overflow, high, corrected)),
    ]
    return Cat(fraction[:lowest], limited)
