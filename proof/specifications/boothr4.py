"""The approximate radix-4 Booth multipliers: rows whose bits below column p are approximate.

Ref: W. Liu et al., IEEE Trans. Computers 66(8), 2017.
"""

from mbm_hw.multipliers import BoothR4
from proof.terms import bit, carry_save_total, word


def definitions(spec: BoothR4, width: int) -> str:
    """Return the product: the sum of the rows of the digits of a, in two's complement."""
    low = word((1 << spec.p) - 1, width)
    high = width - spec.width - 1
    negative = f"((_ sign_extend {high}) (bvneg ((_ extract {spec.width} 0) value_b)))"
    lines = [
        f"(define-fun negative_b () Word {negative})",
        "(define-fun claim_negative () Bool (= negative_b (bvneg value_b)))",
        "(define-fun times_b ((digit Word)) Word",
        "  (ite (= digit zero) zero (ite (= digit one) value_b (ite (= digit two)",
        "    (bvmul two value_b) (ite (= digit (bvneg one)) (bvneg value_b)",
        "      (bvneg (bvmul two value_b)))))))",
    ]
    rows, weights = [], 0
    for i in range(0, spec.width, 2):
        below = f"(ite {bit('value_a', i - 1)} one zero)" if i else "zero"
        middle, sign = bit("value_a", i), bit("value_a", i + 1)
        is_one = f"(distinct (= {below} one) {middle})"
        is_two = f"(and (= (= {below} one) {middle}) (distinct {middle} {sign}))"
        once = f"(ite {is_one} once_{i} zero)"
        # A row is as much as its bits with the highest one inverted, less that one's weight.
        highest = max(i + spec.width + 1, spec.p)
        weight = 1 << highest if highest < width else 0
        weights += weight
        inverted = f"(bvxor (bvand bits_{i} {word(2 * weight - 1, width)}) {word(weight, width)})"
        lines += [
            f"(define-fun digit_{i} () Word",
            f"  (bvsub (bvadd {below} (ite {middle} one zero)) (ite {sign} two zero)))",
            f"(define-fun once_{i} () Word (ite {sign} negative_b value_b))",
            f"(define-fun exact_{i} () Word",
            f"  (bvor {once} (ite {is_two} (bvshl once_{i} one) zero)))",
            f"(define-fun claim_digit_{i} () Bool (= exact_{i} (times_b digit_{i})))",
            f"(define-fun approximate_{i} () Word {once if spec.kind == 1 else f'once_{i}'})",
            f"(define-fun bits_{i} () Word",
            f"  (bvor (bvand (bvshl exact_{i} {word(i, width)}) (bvnot {low}))",
            f"    (bvand (bvshl approximate_{i} {word(i, width)}) {low})))",
            f"(define-fun inverted_{i} () Word {inverted if weight else f'bits_{i}'})",
            f"(define-fun claim_sign_{i} () Bool",
            f"  (= (bvadd bits_{i} {word(weight, width)}) inverted_{i}))",
        ]
        rows.append(f"inverted_{i}")
    constant = word(-weights % (1 << width), width)
    return "\n".join([*lines, carry_save_total("product", [constant, *rows])])
