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
            low, high = self.blocks(a, b[column], b[column + 1])
            rows += [Row(low, column), Row(high, column + 2)]
        return rows

    def blocks(self, a: Value, low_b: Value, high_b: Value) -> tuple[Value, Value]:
        """Return all digits of `a` times a digit of b: two low bits each, and the third ones.

        The two low bits have no carry: where both of the middle bit's products are 1, one is lost.
        """
        digits = Const(1, 2).replicate(self.spec.width // 2)  # the low bit of each
        middle = Cat(Const(0, 1), gated(a & digits, high_b))[: self.spec.width]
        return gated(a, low_b) | middle, gated(a[1:] & digits, high_b)
