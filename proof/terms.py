"""SMT-LIB terms and definitions whose text depends on a width."""

from collections.abc import Sequence


def word(value: int, width: int) -> str:
    """Return the bit vector of `width` bits with this value."""
    return f"(_ bv{value} {width})"


def choice(terms: Sequence[str], chooser: str, bits: int) -> str:
    """Return the term whose index is in the lowest `bits` of `chooser`; behind the last the last.

    terms : at most 2**bits, at least one.
    """
    if len(terms) == 1:
        return terms[0]
    half = 1 << (bits - 1)
    low, high = (
        choice(part, chooser, bits - 1) for part in (terms[:half], terms[half:] or terms[-1:])
    )
    return f"(ite (= ((_ extract {bits - 1} {bits - 1}) {chooser}) #b1) {high} {low})"


def multiplication(bits: int, width: int) -> str:
    """Return the definitions of `multiply`, two Words to one, and of `is_whole`, to a Bool.

    bits : of the factors. The product has twice as many, which a solver compares with a circuit's
        product sooner than one of a whole Word. `is_whole` says that two factors have no more.
    width : bits of a Word, at least 2 * bits.
    """
    low = (f"((_ extract {2 * bits - 1} 0) {x})" for x in "xy")
    fits = (f"(bvult {x} {word(1 << bits, width)})" for x in "xy")
    return (
        f"(define-fun multiply ((x Word) (y Word)) Word\n"
        f"  ((_ zero_extend {width - 2 * bits}) (bvmul {' '.join(low)})))\n"
        f"(define-fun is_whole ((x Word) (y Word)) Bool (and {' '.join(fits)}))"
    )


def bit(term: str, index: int) -> str:
    """Return the Bool that says whether a bit of a bit vector is 1."""
    return f"(= ((_ extract {index} {index}) {term}) #b1)"


def carry_save_total(name: str, rows: Sequence[str]) -> str:
    """Return the definition of the Word `name`, the sum of `rows`, at least one.

    They are added by threes, each time as two, as a tree of full adders does: a solver compares
    sums with those of a circuit only if both are made of the same sums. `claim_full_adders` says
    that two are as much as three.
    """
    lines = [
        "(define-fun sums ((x Word) (y Word) (z Word)) Word (bvxor (bvxor x y) z))",
        "(define-fun carries ((x Word) (y Word) (z Word)) Word",
        "  (bvshl (bvor (bvand x y) (bvand z (bvxor x y))) one))",
        *(f"(declare-const any_{x} Word)" for x in "xyz"),
        "(define-fun claim_full_adders () Bool",
        "  (= (bvadd any_x any_y any_z)",
        "    (bvadd (sums any_x any_y any_z) (carries any_x any_y any_z))))",
    ]
    terms = []
    for i, row in enumerate(rows):
        lines.append(f"(define-fun row_{i} () Word {row})")
        terms.append(f"row_{i}")
    while len(terms) > 2:
        triples = [terms[i : i + 3] for i in range(0, len(terms), 3)]
        terms = []
        for triple in triples:
            if len(triple) < 3:
                terms += triple
                continue
            for function in ("sums", "carries"):
                term = f"{function}_{len(lines)}"
                lines.append(f"(define-fun {term} () Word ({function} {' '.join(triple)}))")
                terms.append(term)
    lines.append(f"(define-fun {name} () Word (bvadd {' '.join([*terms, 'zero'])}))")
    return "\n".join(lines)
