"""The core of the iterative logarithmic multiplier.

Each block has two leading-one detectors and two shifters: 2**(ka + kb) + (ra << kb) + (rb << ka) is
(a << kb) + (rb << ka). All blocks' rows are added together.

Ref: Z. Babic, A. Avramovic, P. Bulic, Microprocessors and Microsystems 35(1), 2011.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value

from mbm_hw.hdl.carry_save import Row
from mbm_hw.hdl.cores.array import ArrayCore, gated
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.multipliers import ILM


@core_of(ILM)
class ILMCore(ArrayCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def operand(self, m, name, x):
        """Return for each block the operand, its residue, its characteristic, whether it is not 0.

        An operand's residue is the next block's operand.
        """
        parts = []
        for block in range(self.spec.n + 1):
            width = max(len(x), 2)
            m.submodules[f"leading_one_{name}{block}"] = leading_one = LeadingOne(width, 0)
            residue = Signal(width - 1, name=f"residue_{name}{block}")
            m.d.comb += [leading_one.x.eq(x), residue.eq(self.residue(x))]
            parts += [x, residue, leading_one.position, self.is_nonzero(leading_one)]
            x = residue
        return tuple(parts)

    def rows(self, m, a, b):
        rows = []
        for block in range(self.spec.n + 1):
            part = slice(4 * block, 4 * block + 4)
            (x, _, k_a, nonzero_a), (_, residue_b, k_b, nonzero_b) = a[part], b[part]
            rows += [
                self.shifted(m, f"a{block}", gated(x, nonzero_b), k_b),
                self.shifted(m, f"b{block}", gated(residue_b, nonzero_a), k_a),
            ]
        return rows

    def is_nonzero(self, leading_one: LeadingOne) -> Value:
        """Return whether a block's operand is not 0: else the block gives 0."""
        return leading_one.valid

    def residue(self, x: Value) -> Value:
        """Return x without its leading one: the bits that have a one above them."""
        above, span = x[1:], 1
        while span < len(above):
            above |= above >> span
            span *= 2
        return x[:-1] & above

    def shifted(self, m: Module, name: str, x: Value, characteristic: Value) -> Row:
        """Return x * 2**characteristic."""
        shifted = Signal(min(len(x) + self.spec.width, len(self.product)), name=f"shifted_{name}")
        bits = Cat(x, Const(0, len(shifted) - len(x)))
        for stage, moves in enumerate(characteristic):
            moved = Cat(Const(0, 1 << stage), bits)[: len(shifted)]
            bits = Mux(moves, moved, bits)
        m.d.comb += shifted.eq(bits)
        return Row(shifted)
