"""The leading one of an operand: where it is, and what follows it."""

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class LeadingOne(wiring.Component):
    """Leading-one detector and normalising shifter in one, of logarithmic depth.

    Each stage asks whether the top `span` bits are all zero and shifts them out if so; the answers
    are the complement of the position's bits.

    Parameters
    ----------
    width : bits of `x`, at least 2.
    tail_width : bits kept after the leading one, 0 to width - 1.
    lowest : the lowest position, 0 to width - 2: a leading one below it is taken for one there.

    Members
    -------
    x : In(width)
    valid : Out(1), the bit at the position: whether there is a leading one from `lowest` on.
    position : Out(ceil(log2(width - lowest))), from bit `lowest`; 0 without one.
    tail : Out(tail_width), the bits that follow the position, filled up with zeros.
    """

    def __init__(self, width: int, tail_width: int, lowest: int = 0):
        self.width = width
        self.tail_width = tail_width
        self.lowest = lowest
        super().__init__(
            {
                "x": In(width),
                "valid": Out(1),
                "position": Out(range(width - lowest)),
                "tail": Out(tail_width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Zeros stand above an operand of another width.
        full_width = self.lowest + (1 << len(self.position))
        lowest = full_width - 1 - self.tail_width  # the lowest bit that the tail takes
        bits, base = Cat(self.x, Const(0, full_width - self.width)), 0  # bits[0] has index base
        empties = []
        for span in (1 << stage for stage in reversed(range(len(self.position)))):
            top, next_base = full_width - span, max(lowest - span + 1, 0)
            empty = Signal(name=f"empty_{span}")
            normalised = Signal(full_width - next_base, name=f"normalised_{span}")
            above, below = bits[top - base :], bits[max(next_base - base, 0) : top - base]
            padded = Cat(Const(0, span), bits)  # shifted up by span, index base still first
            shifted = padded[next_base - base : full_width - base]
            m.d.comb += [
                empty.eq(~above.any()),
                # Where the top bits are shifted out they are zero: an or will do for them.
                normalised.eq(
                    Cat(
                        Mux(empty, shifted[: len(below)], below),
                        above | (shifted[len(below) :] & empty.replicate(span)),
                    )
                ),
            ]
            empties.insert(0, empty)
            bits, base = normalised, next_base
        m.d.comb += [
            self.position.eq(~Cat(empties)),
            self.valid.eq(bits[-1]),
            self.tail.eq(bits[:-1]),
        ]
        return m
