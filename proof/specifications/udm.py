"""The underdesigned multiplier: products of digits in base 4, of which 3 times 3 is 7.

Ref: P. Kulkarni, P. Gupta, M. Ercegovac, VLSI Design 2011.
"""

from mbm_hw.multipliers import UDM
from proof.terms import bit, carry_save_total, word


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
    # Two rows for each digit of b: the two low bits of its products, and the third bits. They are
    # made of the paper's gates, as in a circuit; `claim_digits` says that they are the products.
    low_digits = word(sum(1 << i for i in places), width)
    rows, equal = [], []
    for j in places:
        low, high = (bit("magnitude_b", j + place) for place in (0, 1))
        even = f"(ite {high} (bvshl (bvand magnitude_a {low_digits}) one) zero)"
        odd = f"(ite {high} (bvand (bvlshr magnitude_a one) {low_digits}) zero)"
        gates = {
            "three": f"(bvor (ite {low} magnitude_a zero) {even})",
            "four": f"(bvshl {odd} two)",
        }
        for name, row in gates.items():
            bits = (
                f"(bvshl (bvand (digits digit_a{i} digit_b{j}) {name}) {word(i, width)})"
                for i in places
            )
            equal.append(f"(= {row} (bvor {' '.join(bits)}))")
            rows.append(f"(bvshl {row} {word(j, width)})")
    return "\n".join(
        [
            *digits,
            product,
            f"(define-fun claim_digits () Bool (and {' '.join(equal)}))",
            carry_save_total("magnitude", rows),
        ]
    )
