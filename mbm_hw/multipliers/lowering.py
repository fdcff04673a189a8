"""How a spec's products reach the kernels: what is faster there than a product table.

A spec's `lowering()` returns one of these, or None: then its product table multiplies, which there
is to 12 bits (float specs: a mantissa table, to 8 mantissa bits).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ExactProducts:
    """The products of the operands as they are."""


@dataclass(frozen=True)
class LogProducts:
    """Mitchell's sum of logarithms with a correction: kernels add the operands' float patterns.

    truncation, corrections, small_characteristic : see `LogSpec`; forced : see `FloatLogSpec`.
    """

    truncation: int
    corrections: tuple[int, int]
    small_characteristic: int = -1
    forced: bool = False


@dataclass(frozen=True, eq=False)
class Terms:
    """Sums of exact products of transformed operands: sum of left(a) * right(b) over the terms.

    terms : pairs of functions from magnitudes (values, where the spec takes values) to integers,
        NumPy arrays of 64 bits in and out.
    """

    terms: tuple[tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]], ...]


Lowering = ExactProducts | LogProducts | Terms
