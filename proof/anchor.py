"""Whether the specification, as the solver reads it, gives the products of the reference."""

import math

import numpy as np

from mbm_hw.multipliers import Spec, Table, multiply
from proof.solver import solve
from proof.specification import choice, specification, word, word_width
from sim import vectors

SAMPLES, TABLE_SAMPLES = 2048, 256
CHUNK, TABLE_CHUNK = 256, 64  # pairs in one question


def anchor_pairs(spec: Spec, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return values a and b: all pairs up to 8 bits, else 2,048 of co-simulation's, seeded.

    Of tables from 6 bits on 256: each question to the solver about them holds the whole table.
    """
    a, b = vectors.operand_pairs(spec, seed)
    is_table = isinstance(spec, Table)
    is_exhaustive = spec.width <= vectors.EXHAUSTIVE_WIDTH and not is_table
    if len(a) > SAMPLES and not is_exhaustive:
        count = TABLE_SAMPLES if is_table else SAMPLES
        chosen = np.random.default_rng(seed).choice(len(a), count, replace=False)
        a, b = a[chosen], b[chosen]
    return a, b


def disagreement(spec: Spec, a: np.ndarray, b: np.ndarray) -> str | None:
    """Return a pair, of the values a and b, on which specification and reference differ."""
    products = multiply(spec, a, b)
    size = TABLE_CHUNK if isinstance(spec, Table) else CHUNK
    for start in range(0, len(a), size):
        chunk = slice(start, start + size)
        question = _question(spec, a[chunk], b[chunk], products[chunk])
        answer = solve(question, math.inf, ("index", "product"))
        if answer.sat:
            found = min(start + answer.values["index"], len(a) - 1)
            product = answer.values["product"]
            return f"{a[found]} * {b[found]} is {product:#x}, in the reference {products[found]}"
    return None


def _question(spec, a, b, products) -> str:
    """Return the assertion that some element of the columns has another product than it should."""
    index_width = max(len(a) - 1, 1).bit_length()

    def column(values, width):
        words = [word(int(value) % (1 << width), width) for value in values]
        return choice(words, "index", index_width)

    lines = [f"(declare-const index (_ BitVec {index_width}))"]
    for x, values in (("a", a), ("b", b)):
        lines.append(f"(define-fun {x} () (_ BitVec {spec.width}) {column(values, spec.width)})")
    expected = column(products, word_width(spec))
    return "\n".join([*lines, specification(spec), f"(assert (distinct product {expected}))"])
