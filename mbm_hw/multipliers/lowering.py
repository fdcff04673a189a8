"""The ways of a spec's products to the kernels that are faster than a product table.

A spec's `lowering()` returns one of these, or None: then its product table multiplies, which there
is to 12 bits (float specs: a mantissa table, to 8 mantissa bits).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Transform = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ExactProducts:
    """The products of the operands as they are."""


@dataclass(frozen=True)
class LogProducts:
    """Mitchell's sum of logarithms with a correction: kernels add the operands' float patterns.

    truncation, corrections, small_characteristic : see `LogSpec`; forced : see `FloatLogSpec`;
    offset : see `FloatLMul`.
    """

    truncation: int
    corrections: tuple[int, int]
    small_characteristic: int = -1
    forced: bool = False
    offset: int = 0


class Term(NamedTuple):
    """A product of transformed operands: factor * left(a) * right(b).

    left, right : functions from magnitudes (values, where the spec takes values) to integers, NumPy
        arrays of 64 bits in and out; 0 for 0.
    """

    left: Transform
    right: Transform
    factor: int = 1


@dataclass(frozen=True, eq=False)
class Terms:
    """The sum of some products of transformed operands.

    of : the spec whose products they are; None for the exact ones.
    """

    terms: tuple[Term, ...]
    of: Any = None


def as_it_is(x: np.ndarray) -> np.ndarray:
    """Return an operand that is not transformed."""
    return x


Lowering = ExactProducts | LogProducts | Terms
