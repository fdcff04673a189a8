"""A product table: the entry in row a and column b."""

from mbm_hw.multipliers import Table
from proof.terms import choice, word


def definitions(spec: Table, width: int) -> str:
    """Return the functions lowest (so many bits of a Word as the rows have) and entry (at an
    address with the row in its high half), and the magnitude or the product that they give.
    """
    bits = len(spec.array).bit_length() - 1
    words = [word(int(value) % (1 << width), width) for value in spec.array.ravel()]
    operand, result = ("magnitude",) * 2 if spec.takes_magnitudes else ("value", "product")
    return "\n".join(
        [
            f"(define-fun lowest ((x Word)) (_ BitVec {bits}) ((_ extract {bits - 1} 0) x))",
            f"(define-fun entry ((address (_ BitVec {2 * bits}))) Word",
            f"{choice(words, 'address', 2 * bits)})",
            f"(define-fun {result} () Word",
            f"  (entry (concat (lowest {operand}_a) (lowest {operand}_b))))",
        ]
    )
