"""The base of the array multipliers: rows of partial products, added as two, then as one."""

from amaranth import Module, Signal, Value

from mbm_hw.hdl.carry_save import Row, carry_save
from mbm_hw.hdl.cores.core import Core


class ArrayCore(Core):
    """The sum of the rows that a subclass makes of the operands; parameters, members are Core's."""

    drops_bits = True

    def rows(self, m: Module, a: tuple[Value, ...], b: tuple[Value, ...]) -> list[Row]:
        """Return the rows; a, b : what `operand` returned of each."""
        raise NotImplementedError(f"{type(self).__name__} has no `rows`")

    def combined(self, m, a, b):
        rows = []
        for i, row in enumerate(self.rows(m, a, b)):
            bits = Signal(len(row.bits), name=f"row_{i}")
            m.d.comb += bits.eq(row.bits)
            rows.append(Row(bits, row.column))
        sums, carries = Signal(len(self.product)), Signal(len(self.product))
        two = carry_save(m, rows, len(self.product))
        for signal, row in zip((sums, carries), two, strict=False):
            m.d.comb += signal.eq(row.value)
        return sums, carries

    def result(self, m, sums, carries):
        return sums + carries


def gated(bits: Value, gate: Value) -> Value:
    """Return `bits` where the bit `gate` is 1, else 0: a row of partial products."""
    return bits & gate.replicate(len(bits))
