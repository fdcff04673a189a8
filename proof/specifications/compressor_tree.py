"""A column-compressed array of 8 bits with approximate 4:2 cells in its low columns.

Ref: A. Momeni et al., IEEE Trans. Computers 64(4), 2015.
Ref: S. Venkatachalam, S.-B. Ko, IEEE Trans. VLSI 25(5), 2017.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from mbm_hw.multipliers import CompressorTree
from proof.terms import bit, carry_save_total, word

CELLS = {
    "momeni": (
        "(or (= x1 x2) (= x3 x4))",
        "(and (or x1 x2) (or x3 x4))",
    ),
    "venkatachalam": (
        "(or (xor x1 x2) (xor x3 x4) (and x1 x2 x3 x4))",
        "(or (and x1 x2) (and x3 x4))",
    ),
}
"""Sum and carry of the approximate cells."""
EXACT = {
    2: ("(xor x1 x2)", "(and x1 x2)"),
    3: ("(xor x1 x2 x3)", "(or (and x1 x2) (and x1 x3) (and x2 x3))"),
}


def definitions(spec: CompressorTree, width: int) -> str:
    """Return the magnitude: the sum of the bits that two stages leave, each with its weight."""
    lines = []
    for bits, (of_sum, of_carry) in {**EXACT, 4: CELLS[spec.cells]}.items():
        inputs = " ".join(f"(x{k} Bool)" for k in range(1, bits + 1))
        lines += [
            f"(define-fun sum_{bits} ({inputs}) Bool {of_sum})",
            f"(define-fun carry_{bits} ({inputs}) Bool {of_carry})",
        ]
    second = defaultdict(list)
    for first in (0, 4):
        columns = defaultdict(list)
        for j in range(first, first + 4):
            for i in range(8):
                cell = f"(and {bit('magnitude_a', i)} {bit('magnitude_b', j)})"
                columns[i + j].append(cell)
        for column, bits in _stage(spec, f"rows_{first}", columns, lines).items():
            second[column] += bits
    last = _stage(spec, "all", second, lines)
    rows = []
    for k in range(max(map(len, last.values()))):
        weighted = (
            f"(ite {bits[k]} {word(1 << column, width)} zero)"
            for column, bits in last.items()
            if len(bits) > k
        )
        rows.append(f"(bvor zero {' '.join(weighted)})")
    return "\n".join([*lines, carry_save_total("magnitude", rows)])


def _stage(
    spec: CompressorTree, name: str, columns: Mapping[int, Sequence[str]], lines: list[str]
) -> dict[int, list[str]]:
    """Return the bits behind a stage, by column, and add their definitions to `lines`."""
    out = defaultdict(list)
    for column, bits in sorted(columns.items()):
        if column >= spec.column or len(bits) == 1:
            out[column] += bits
            continue
        for output, place in (("sum", column), ("carry", column + 1)):
            term = f"{name}_{output}_{column}"
            lines.append(f"(define-fun {term} () Bool ({output}_{len(bits)} {' '.join(bits)}))")
            out[place].append(term)
    return out
