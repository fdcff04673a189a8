"""Signs taken off and put on: two's complement without an adder."""

from amaranth import Cat, Const, Module, Signal, Value


def negated_if(
    m: Module,
    sign: Value,
    x: Value,
    name: str,
    increment: Value | None = None,
    increment_width: int = 0,
) -> Value:
    """Return x + increment, negated where `sign` is 1, in as many bits as `x`.

    increment : a bit, 0 if None; the sum with it changes no more than the `increment_width` lowest
        bits of x.
    name : what the names of its signals begin with.

    A negation inverts the bits above the lowest 1, one with an increment all bits, and an increment
    alone those up to the lowest 0: one carry and one exclusive or a bit.
    """
    inverted = Signal(len(x) - 1, name=f"{name}_inverted")
    low = Signal(name=f"{name}_low")
    high = Signal.like(inverted, name=f"{name}_high")
    below = increment = Const(0, 1) if increment is None else increment
    for i in range(len(inverted)):
        carry = sign & (below | x[i])
        if i < increment_width:
            carry |= below & x[i]
        m.d.comb += inverted[i].eq(carry)
        below = inverted[i]
    m.d.comb += [low.eq(x[0] ^ increment), high.eq(x[1:] ^ inverted)]
    return Cat(low, high)
