"""The core of multipliers with approximate 4:2 compressors.

Ref: A. Momeni et al., IEEE Trans. Computers 64(4), 2015.
Ref: S. Venkatachalam, S.-B. Ko, IEEE Trans. VLSI 25(5), 2017.
"""

from amaranth import Cat, Const, Module, Signal, Value

from mbm_hw.hdl.carry_save import Row
from mbm_hw.hdl.cores.array import ArrayCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import CompressorTree

Columns = dict[int, list[Value]]
"""Bits by their column."""


@core_of(CompressorTree)
class CompressorTreeCore(ArrayCore):
    """The product of two magnitudes; parameters and members are Core's.

    Columns from `spec.column` on, and what is left of those below, go through exact full adders.
    """

    def rows(self, m, a, b):
        (a,), (b,) = a, b
        low, high = (
            self.compressed(m, name, self.partial_products(a, b, first))
            for name, first in (("low", 0), ("high", 4))
        )
        columns = {
            column: low.get(column, []) + high.get(column, [])
            for column in range(self.spec.product_width)
        }
        return _rows(self.compressed(m, "second", columns))

    def partial_products(self, a: Value, b: Value, first: int) -> Columns:
        """Return the bits of four rows from row `first` on, by column."""
        columns = {}
        for j in range(first, first + 4):
            for i in range(self.spec.width):
                columns.setdefault(i + j, []).append(a[i] & b[j])
        return columns

    def compressed(self, m: Module, stage: str, columns: Columns) -> Columns:
        """Return what a stage makes of up to four bits a column; exact columns it leaves alone."""
        out = {}
        for column, bits in sorted(columns.items()):
            if column >= self.spec.column or len(bits) < 2:
                out.setdefault(column, []).extend(bits)
                continue
            inputs = Signal(len(bits), name=f"{stage}_{column}")
            total = Signal(name=f"{stage}_sum_{column}")
            carry = Signal(name=f"{stage}_carry_{column}")
            m.d.comb += [inputs.eq(Cat(*bits)), Cat(total, carry).eq(Cat(*self.cell(inputs)))]
            out.setdefault(column, []).append(total)
            out.setdefault(column + 1, []).append(carry)
        return out

    def cell(self, bits: Value) -> tuple[Value, Value]:
        """Return sum and carry of two to four bits: the approximate cell's, if they are four."""
        if len(bits) < 4:
            return bits.xor(), _majority(bits) if len(bits) == 3 else bits.all()
        return CELLS[self.spec.cells](*bits)


def momeni(x1: Value, x2: Value, x3: Value, x4: Value) -> tuple[Value, Value]:
    """Return sum and carry of the second design of Momeni et al."""
    return ~((x1 ^ x2) & (x3 ^ x4)), (x1 | x2) & (x3 | x4)


def venkatachalam(x1: Value, x2: Value, x3: Value, x4: Value) -> tuple[Value, Value]:
    """Return sum and carry of the cell of Venkatachalam and Ko."""
    low, high = x1 & x2, x3 & x4
    return (x1 ^ x2) | (x3 ^ x4) | low & high, low | high


CELLS = {"momeni": momeni, "venkatachalam": venkatachalam}


def _majority(bits: Value) -> Value:
    x, y, z = bits
    return x & y | z & (x ^ y)


def _rows(columns: Columns) -> list[Row]:
    """Return the rows that have the bits of `columns`: the first bit of each, the second, ..."""
    rows = []
    for k in range(max(map(len, columns.values()))):
        held = [column for column, bits in columns.items() if len(bits) > k]
        first, last = min(held), max(held)
        bits = (columns.get(column, [])[k : k + 1] for column in range(first, last + 1))
        rows.append(Row(Cat(*(bit or [Const(0, 1)] for bit in bits)), first))
    return rows
