"""Operand pairs for co-simulation: everything where that is possible, else corners and a sample."""

from collections.abc import Iterable

import numpy as np

from mbm_hw.multipliers import Spec, multiply
from sim.cases import cases_for


def operand_pairs(spec: Spec, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the operands a and b that `multiply` takes, two int64 [pairs].

    All pairs up to 8 bits, above what the family's cases give; the same seed gives the same pairs.
    """
    a, b = cases_for(spec).pairs(np.random.default_rng(seed))
    return a, b


def is_exhaustive(spec: Spec) -> bool:
    """Return whether `operand_pairs` are all pairs."""
    return cases_for(spec).is_exhaustive()


def corners(spec: Spec) -> np.ndarray:
    """Return the operands at which something changes, ascending, int64."""
    return cases_for(spec).corners()


def patterns(values: np.ndarray, width: int) -> list[int]:
    """Return the two's-complement patterns of integers, `width` bits each."""
    mask = (1 << width) - 1
    return [value & mask for value in values.tolist()]


def values(patterns: Iterable[int], spec: Spec) -> np.ndarray:
    """Return what `multiply` takes for operands' patterns: values; float patterns as they are."""
    sign = (spec.signed and not spec.is_float) << (spec.width - 1)
    return np.array([pattern - ((pattern & sign) << 1) for pattern in patterns])


def notation(spec: Spec) -> str:
    """Return how messages show patterns: unsigned, signed or hexadecimal."""
    if spec.is_float:
        return "hexadecimal"
    return "signed" if spec.signed else "unsigned"


def expected_patterns(spec: Spec, a: np.ndarray, b: np.ndarray) -> list[int]:
    """Return the patterns of the products that the reference gives."""
    return patterns(multiply(spec, a, b), spec.product_width)
