"""The broken-array multiplier: the cells of an array that are on the kept side of both breaks.

Ref: H. R. Mahdiani et al., IEEE Trans. Circuits and Systems I 57(4), 2010.
"""

from fractions import Fraction

from mbm_hw.multipliers import BrokenArray
from proof.terms import bit, carry_save_total, word


def definitions(spec: BrokenArray, width: int) -> str:
    """Return the magnitude: the sum of the rows, and of the mean of the cells left out."""
    places = range(spec.width)
    rows, lost = [], Fraction(0)
    for j in places:
        there = [i for i in places if j >= spec.h and i + j >= spec.v]
        lost += Fraction(sum(1 << (i + j) for i in places if i not in there), 4)
        mask = word(sum(1 << i for i in there), width)
        cells = f"(bvshl (bvand magnitude_a {mask}) {word(j, width)})"
        rows += [f"(ite {bit('magnitude_b', j)} {cells} zero)"] if there else []
    unit = 1 << spec.v
    mean = word((lost / unit + Fraction(1, 2)).__floor__() * unit, width)
    return carry_save_total("magnitude", [mean, *rows] if spec.mean or not rows else rows)
