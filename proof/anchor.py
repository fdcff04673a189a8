"""Whether the specification, as the solver reads it, gives the products of the reference."""

import math

import numpy as np

from mbm_hw.multipliers import Spec, multiply
from proof.solver import solve
from proof.specification import specification, word_width
from proof.terms import choice, word
from sim import vectors

SAMPLES, LONG_SAMPLES = 2048, 256
CHUNK, LONG_CHUNK = 256, 64  # pairs in one question
LONG = 1 << 16
"""Characters of a long definition, as those of product tables from 5 bits on are."""


def anchor_pairs(spec: Spec, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return values a and b: all pairs up to 8 bits, else 2,048 of co-simulation's, seeded.

    Of a LONG definition 256, if there are more than 2,048: each question to the solver holds it.
    """
    a, b = vectors.operand_pairs(spec, seed)
    is_long = _is_long(spec)
    if len(a) > SAMPLES and (is_long or not vectors.is_exhaustive(spec)):
        count = LONG_SAMPLES if is_long else SAMPLES
        chosen = np.random.default_rng(seed).choice(len(a), count, replace=False)
        a, b = a[chosen], b[chosen]
    return a, b


def disagreement(spec: Spec, a: np.ndarray, b: np.ndarray) -> str | None:
    """Return a pair, of the values a and b, on which specification and reference differ."""
    products = multiply(spec, a, b)
    size = LONG_CHUNK if _is_long(spec) else CHUNK
    for start in range(0, len(a), size):
        chunk = slice(start, start + size)
        question = _question(spec, a[chunk], b[chunk], products[chunk])
        answer = solve(question, math.inf, ("index", "product"))
        if answer.sat:
            found = min(start + answer.values["index"], len(a) - 1)
            product = answer.values["product"]
            return f"{a[found]} * {b[found]} is {product:#x}, in the reference {products[found]}"
    return None


def _is_long(spec: Spec) -> bool:
    return len(specification(spec)) > LONG


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
