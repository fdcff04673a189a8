"""The approximate radix-4 Booth multipliers: rows whose bits below column p are approximate.

Ref: W. Liu et al., IEEE Trans. Computers 66(8), 2017.
"""

from mbm_hw.multipliers import BoothR4
from proof.terms import bit, total, word


def definitions(spec: BoothR4, width: int) -> str:
    """Return the product: the sum of the rows of the digits of a, in two's complement."""
    low = word((1 << spec.p) - 1, width)
    lines = [
        "(define-fun times_b ((digit Word)) Word",
        "  (ite (= digit zero) zero (ite (= digit one) value_b (ite (= digit two)",
        "    (bvmul two value_b) (ite (= digit (bvneg one)) (bvneg value_b)",
        "      (bvneg (bvmul two value_b)))))))",
        "(define-fun is_two ((digit Word)) Bool (or (= digit two) (= digit (bvneg two))))",
    ]
    rows = []
    for i in range(0, spec.width, 2):
        below = f"(ite {bit('value_a', i - 1)} one zero)" if i else "zero"
        middle, sign = bit("value_a", i), bit("value_a", i + 1)
        negative = f"(ite {sign} (bvneg two) zero)"
        approximate = (
            f"(ite (is_two digit_{i}) zero (times_b digit_{i}))"
            if spec.kind == 1
            else f"(ite {sign} (bvadd (bvnot value_b) one) value_b)"
        )
        lines += [
            f"(define-fun digit_{i} () Word (bvadd {below} (ite {middle} one zero) {negative}))",
            f"(define-fun exact_{i} () Word (bvshl (times_b digit_{i}) {word(i, width)}))",
            f"(define-fun approximate_{i} () Word (bvshl {approximate} {word(i, width)}))",
        ]
        rows.append(f"(bvor (bvand exact_{i} (bvnot {low})) (bvand approximate_{i} {low}))")
    return "\n".join([*lines, f"(define-fun product () Word {total(rows)})"])
