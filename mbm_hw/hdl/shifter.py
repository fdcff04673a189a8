"""The output shifter of multipliers that scale a mantissa by a characteristic."""

from amaranth import Cat, Const, Module, Mux, Signal, Value


def scaled(
    m: Module,
    mantissa: Value,
    characteristic: Value,
    width: int,
    product_width: int,
    gate: Value | None = None,
) -> Value:
    """Return floor(mantissa * 2**(characteristic - width)), or 0 where `gate` is 0.

    width : bits of the mantissa's fraction. product_width : bits of the result that are wanted.
    gate : a bit; None leaves it out.

    The small shifts come first: that takes the fewest multiplexers, and the mantissa's lowest bits
    are the first to come. The first one selects by ands, which take the gate too.
    """
    moves, holds = characteristic[0], ~characteristic[0]
    if gate is not None:
        moves = Signal()
        holds = Signal()
        m.d.comb += [
            moves.eq(characteristic[0] & gate),
            holds.eq(~characteristic[0] & gate),
        ]
    high = width + product_width  # one above the highest bit of the product
    bits, base = mantissa, 0  # bits[0] has the index base
    for stage, shift in enumerate(characteristic):
        span = 1 << stage
        later_shifts = (1 << len(characteristic)) - 2 * span
        next_base = max(width - later_shifts, 0)
        top = min(base + len(bits) + span, high)
        held = bits[max(next_base - base, 0) :]
        moved = Cat(Const(0, span), bits)[next_base - base : top - base]
        first = _gated(moved, moves) | _gated(held, holds)
        bits = Signal(top - next_base, name=f"shifted_{span}")
        m.d.comb += bits.eq(Mux(shift, moved, held) if stage else first)
        base = next_base
    return bits


def _gated(value: Value, gate: Value) -> Value:
    """Return `value` where the bit `gate` is 1, else 0."""
    return value & gate.replicate(len(value))
