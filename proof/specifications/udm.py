"""The underdesigned multiplier: products of digits in base 4, of which 3 times 3 is 7.

Ref: P. Kulkarni, P. Gupta, M. Ercegovac, VLSI Design 2011.
"""

from mbm_hw.multipliers import UDM
from proof.terms import total, word


def definitions(spec: UDM, width: int) -> str:
    """Return the magnitude: the sum of the products of all pairs of digits, in their places."""
    places = range(0, spec.width, 2)
    digits = (
        f"(define-fun digit_{x}{i} () Word (bvand (bvlshr magnitude_{x} {word(i, width)}) three))"
        for x in "ab"
        for i in places
    )
    product = (
        "(define-fun digits ((x Word) (y Word)) Word\n"
        "  (ite (and (= x three) (= y three)) seven\n"
        "    (ite (= y zero) zero (ite (= y one) x (ite (= y two) (bvmul two x)\n"
        "      (ite (= x zero) zero (ite (= x one) three six)))))))"
    )
    terms = [
        f"(bvshl (digits digit_a{i} digit_b{j}) {word(i + j, width)})"
        for j in places
        for i in places
    ]
    return "\n".join([*digits, product, f"(define-fun magnitude () Word {total(terms)})"])
