"""Operand pairs for co-simulation: everything where that is possible, else corners and a sample."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mbm_hw.reference import multiply, pattern_values
from mbm_hw.spec import IntegerSpec

EXHAUSTIVE_WIDTH = 8
SAMPLES = 10_000  # of each kind, uniform and log-uniform


@dataclass(frozen=True)
class Inputs:
    """Patterns of the operands, and the controls, which a combinational design has not."""

    a: int
    b: int
    rst: int = 0
    en: int = 1


def operand_pairs(spec: IntegerSpec, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return values a and b, two int64 [pairs].

    All pairs up to 8 bits. Above, the corners crossed, then 10,000 pairs drawn uniformly and 10,000
    log-uniformly; the same seed gives the same pairs.
    """
    if spec.width <= EXHAUSTIVE_WIDTH:
        values = pattern_values(spec)
        crossed = _crossed(values[values >= spec.operand_min])
        return crossed[0], crossed[1]
    generator = np.random.default_rng(seed)
    pairs = [_crossed(corners(spec)), _uniform(spec, generator), _log_uniform(spec, generator)]
    a, b = np.concatenate(pairs, axis=1)
    return a, b


def corners(spec: IntegerSpec) -> np.ndarray:
    """Return the operands at which something changes, ascending, int64.

    0, 2**k and 2**k +- 1 (so 1, all ones, the extremes) and, where the spec is signed, their
    negatives.
    """
    powers = [1 << k for k in range(spec.width + 1)]
    magnitudes = {0, *(power + offset for power in powers for offset in (-1, 0, 1))}
    values = {sign * magnitude for sign in (1, -1) for magnitude in magnitudes}
    legal = [value for value in values if spec.operand_min <= value <= spec.operand_max]
    return np.array(sorted(legal), dtype=np.int64)


def patterns(values: np.ndarray, width: int) -> list[int]:
    """Return the two's-complement patterns of integers, `width` bits each."""
    mask = (1 << width) - 1
    return [value & mask for value in values.tolist()]


def values(patterns: Sequence[int], spec: IntegerSpec) -> np.ndarray:
    """Return the values of operands' patterns, int64."""
    pattern, sign = np.array(patterns, dtype=np.int64), spec.signed << (spec.width - 1)
    return pattern - ((pattern & sign) << 1)


def expected_patterns(spec: IntegerSpec, a: np.ndarray, b: np.ndarray) -> list[int]:
    """Return the patterns of the products that the reference gives."""
    return patterns(multiply(spec, a, b), spec.product_width)


def _crossed(values):
    return np.array(list(itertools.product(values.tolist(), repeat=2)), dtype=np.int64).T


def _uniform(spec, generator):
    low, high = spec.operand_min, spec.operand_max
    return generator.integers(low, high, (2, SAMPLES), endpoint=True)


def _log_uniform(spec, generator):
    """Every characteristic is as likely as any other; the bits below it are uniform."""
    characteristic = generator.integers(0, spec.width - spec.signed, (2, SAMPLES))
    one = np.int64(1) << characteristic
    magnitude = one + generator.integers(0, one)
    negative = spec.signed & generator.integers(0, 2, (2, SAMPLES)).astype(bool)
    return np.where(negative, -magnitude, magnitude)
