"""Many rows of bits added as two: a Wallace tree of full adders, row by row."""

from dataclasses import dataclass

from amaranth import Cat, Const, Module, Signal, Value


@dataclass(frozen=True)
class Row:
    """Bits in their columns: the unsigned number `bits` times 2**`column`."""

    bits: Value
    column: int = 0

    @property
    def end(self) -> int:
        """The column behind the highest bit."""
        return self.column + len(self.bits)

    @property
    def value(self) -> Value:
        return Cat(Const(0, self.column), self.bits)

    def slice(self, column: int, end: int) -> Value:
        """Return the columns from `column` to `end`, zeros where the row has no bits."""
        low, high = (min(max(edge, self.column), self.end) for edge in (column, end))
        bits = self.bits[low - self.column : high - self.column]
        return Cat(Const(0, low - column), bits, Const(0, end - high))


def carry_save(m: Module, rows: list[Row], width: int) -> list[Row]:
    """Return at most two rows whose sum is that of `rows` modulo 2**width.

    Each level takes the rows by threes, those next to each other, and makes two of three. A row
    that comes first stays first.
    """
    level = 0
    while len(rows) > 2:
        triples = [rows[first : first + 3] for first in range(0, len(rows), 3)]
        rows = []
        for i, triple in enumerate(triples):
            rows += triple if len(triple) < 3 else _full_adders(m, triple, width, f"{level}_{i}")
        level += 1
    return rows


def _full_adders(m, rows, width, name) -> list[Row]:
    """Return the sums of three rows, and their carries."""
    column, end = min(row.column for row in rows), min(max(row.end for row in rows), width)
    x, y, z = (row.slice(column, end) for row in rows)
    odd = Signal(end - column, name=f"odd_{name}")
    sums = Signal(end - column, name=f"sums_{name}")
    carries = Signal(min(end, width - 1) - column, name=f"carries_{name}")
    m.d.comb += [odd.eq(x ^ y), sums.eq(odd ^ z), carries.eq(x & y | z & odd)]
    return [Row(sums, column), Row(carries, column + 1)]
