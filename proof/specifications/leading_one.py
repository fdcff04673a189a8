"""The position of a number's leading one."""

from mbm_hw.multipliers import Spec
from proof.terms import word


def definitions(spec: Spec, width: int) -> str:
    """Return the function leading_one: the highest k with x >= 2**k, 0 for x = 0.

    x is below 2**spec.width. The function is a chain of choices.
    """
    positions = range(spec.width - 1, 0, -1)
    choices = (f"  (ite (bvuge x {word(1 << k, width)}) {word(k, width)}" for k in positions)
    body = "\n".join([*choices, f"  {word(0, width)}" + ")" * len(positions)])
    return f"(define-fun leading_one ((x Word)) Word\n{body})"
