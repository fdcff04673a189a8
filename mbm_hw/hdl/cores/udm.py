"""The core of the underdesigned multiplier: 2 x 2 blocks of three bits, added exactly.

Ref: P. Kulkarni, P. Gupta, M. Ercegovac, VLSI Design 2011.
"""

from amaranth import Cat, Const, Value

from mbm_hw.hdl.carry_save import Row
from mbm_hw.hdl.cores.array import ArrayCore, gated
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import UDM


@core_of(UDM)
class UDMCore(ArrayCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def rows(self, m, a, b):
        (a,), (b,) = a, b
        rows = []
        for column in range(0, self.spec.width, 2):
            low, middle, high = self.blocks(a[::2], a[1::2], b[column], b[column + 1])
            pairs = (Cat(*pair) for pair in zip(low, middle, strict=True))
            spread = (Cat(bit, Const(0, 1)) for bit in high)
            rows += [Row(Cat(*pairs), column), Row(Cat(*spread)[:-1], column + 2)]
        return rows

    def blocks(
        self, low_a: Value, high_a: Value, low_b: Value, high_b: Value
    ) -> tuple[Value, Value, Value]:
        """Return the three bits, from the lowest, of all digits of a times one digit of b."""
        middle = gated(high_a, low_b) | gated(low_a, high_b)
        return gated(low_a, low_b), middle, gated(high_a, high_b)
