"""The core of the approximate radix-4 Booth multipliers: rows selected by digits.

Ref: W. Liu et al., IEEE Trans. Computers 66(8), 2017.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value

from mbm_hw.hdl.carry_save import Row
from mbm_hw.hdl.cores.array import ArrayCore, gated
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import BoothR4


@core_of(BoothR4)
class BoothR4Core(ArrayCore):
    """The product of two patterns in two's complement; parameters and members are Core's.

    Rows take b and -b, which there is once: so none needs a carry in. The sign of a row is not
    extended: with it inverted, the row is too high by twice its weight, and one constant takes that
    back for all rows.
    """

    def operand(self, m, name, x):
        if name == "a":
            return (x,)
        negative = Signal(self.spec.width + 1, name="negative_b")
        m.d.comb += negative.eq(-x.as_signed())
        return x, negative

    def rows(self, m, a, b):
        (a,), (b, negative_b) = a, b
        bits, rows, excess = Cat(Const(0, 1), a), [], 0
        for i in range(self.spec.width // 2):
            row = self.row(m, i, bits[2 * i : 2 * i + 3], b.as_signed(), negative_b.as_signed())
            if 2 * i + len(row) <= self.spec.product_width:
                row = Cat(row[:-1], ~row[-1])
                excess += 1 << (2 * i + len(row) - 1)
            rows.append(Row(row, 2 * i))
        return [Row(self.constant(excess)), *rows]

    def constant(self, excess: int) -> Const:
        """Return what takes back by how much the rows with inverted signs are too high."""
        width = self.spec.product_width
        return Const(-excess % (1 << width), width)

    def row(self, m: Module, i: int, bits: Value, b: Value, negative_b: Value) -> Value:
        """Return row i in two's complement, from column 2 * i on; bits : those of the digit."""
        signed_b = Signal(self.spec.width + 1, name=f"signed_b_{i}")
        m.d.comb += signed_b.eq(Mux(bits[2], negative_b, b))
        low_width = max(self.spec.p - 2 * i, 0)
        width = max(self.spec.width + 2, low_width + 1)
        once = Cat(signed_b, signed_b[-1].replicate(width))[:width]
        exact, approximate = Signal(width, name=f"exact_{i}"), Signal(width, name=f"low_{i}")
        is_one, is_two = Signal(name=f"is_one_{i}"), Signal(name=f"is_two_{i}")
        m.d.comb += [
            is_one.eq(bits[0] ^ bits[1]),
            is_two.eq(self.is_two(bits)),
            exact.eq(gated(once, is_one) | gated(Cat(Const(0, 1), once[:-1]), is_two)),
            approximate.eq(self.approximate(once, is_one)),
        ]
        return Cat(approximate[:low_width], exact[low_width:])

    def is_two(self, bits: Value) -> Value:
        """Return whether the digit is 2 or -2."""
        return (bits[0] == bits[1]) & (bits[1] != bits[2])

    def approximate(self, once: Value, is_one: Value) -> Value:
        """Return the row for the columns below p; once : b or, by the digit's sign, -b."""
        return gated(once, is_one) if self.spec.kind == 1 else once
