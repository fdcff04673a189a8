"""Partial product perforation: an array without n rows from row j on.

Ref: G. Zervakis et al., IEEE Trans. VLSI 24(10), 2016.
"""

from mbm_hw.multipliers import Perforated
from proof.terms import bit, carry_save_total, word


def definitions(spec: Perforated, width: int) -> str:
    """Return the magnitude: the sum of the rows that are there."""
    rows = (row for row in range(spec.width) if not spec.j <= row < spec.j + spec.n)
    shifted = [
        f"(ite {bit('magnitude_b', row)} (bvshl magnitude_a {word(row, width)}) zero)"
        for row in rows
    ]
    return carry_save_total("magnitude", shifted or ["zero"])
