"""ILM: a basic block of the operands, and one for each correction, of what the last block left.

Ref: Z. Babic, A. Avramovic, P. Bulic, Microprocessors and Microsystems 35(1), 2011.
"""

from mbm_hw.multipliers import ILM
from proof.terms import carry_save_total


def definitions(spec: ILM, width: int) -> str:
    """Return the magnitude: the sum of the blocks, two rows each.

    claim_block_NUMBER : the rows' sum is 2**(ka + kb) + (ra << kb) + (rb << ka), or 0 for a 0.
    """
    lines = [
        "(define-fun residue ((x Word)) Word",
        "  (ite (= x zero) zero (bvsub x (bvshl one (leading_one x)))))",
        "(define-fun block ((x Word) (y Word)) Word",
        "  (ite (or (= x zero) (= y zero)) zero (bvadd",
        "    (bvshl one (bvadd (leading_one x) (leading_one y)))",
        "    (bvshl (residue x) (leading_one y)) (bvshl (residue y) (leading_one x)))))",
        "(define-fun a_0 () Word magnitude_a)",
        "(define-fun b_0 () Word magnitude_b)",
    ]
    rows = []
    for i in range(spec.n + 1):
        first = f"(ite (= b_{i} zero) zero (bvshl a_{i} (leading_one b_{i})))"
        second = f"(ite (= a_{i} zero) zero (bvshl b_{i + 1} (leading_one a_{i})))"
        rows += [first, second]
        lines += [
            *(f"(define-fun {x}_{i + 1} () Word (residue {x}_{i}))" for x in "ab"),
            f"(define-fun claim_block_{i} () Bool",
            f"  (= (block a_{i} b_{i}) (bvadd {first} {second})))",
        ]
    return "\n".join([*lines, carry_save_total("magnitude", rows)])
