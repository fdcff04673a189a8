"""Operand pairs for co-simulation: everything where that is possible, else corners and a sample."""

import itertools
from collections.abc import Iterable

import numpy as np

from mbm_hw.multipliers import FloatSpec, IntegerSpec, Spec, multiply, pattern_values
from sim.float_vectors import float_pairs

EXHAUSTIVE_WIDTH = 8
SAMPLES = 10_000  # of each kind, uniform and log-uniform


def operand_pairs(spec: Spec, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the operands a and b that `multiply` takes, two int64 [pairs].

    All pairs up to 8 bits. Above, the corners crossed, then 10,000 pairs drawn uniformly and 10,000
    log-uniformly (float specs: see `float_pairs`); the same seed gives the same pairs.
    """
    generator = np.random.default_rng(seed)
    if spec.width <= EXHAUSTIVE_WIDTH:
        pairs = _crossed(_operands(spec))
    elif isinstance(spec, FloatSpec):
        pairs = float_pairs(spec, generator)
    else:
        kinds = [_crossed(corners(spec)), _uniform(spec, generator), _log_uniform(spec, generator)]
        pairs = np.concatenate(kinds, axis=1)
    return pairs[0], pairs[1]


def _operands(spec):
    if isinstance(spec, FloatSpec):
        return np.arange(1 << spec.width)
    values = pattern_values(spec)
    return values[values >= spec.operand_min]


def corners(spec: IntegerSpec) -> np.ndarray:
    """Return the operands at which something changes, ascending, int64.

    0, 2**k and 2**k +- 1 (so 1, all ones, the extremes) and, where the spec is signed, their
    negatives. With truncation 2**k - 2 too: all ones but for a bit that is dropped.
    """
    powers = [1 << k for k in range(spec.width + 1)]
    offsets = (-2, -1, 0, 1) if getattr(spec, "truncation", 0) else (-1, 0, 1)
    magnitudes = {0, *(power + offset for power in powers for offset in offsets)}
    values = {sign * magnitude for sign in (1, -1) for magnitude in magnitudes}
    legal = [value for value in values if spec.operand_min <= value <= spec.operand_max]
    return np.array(sorted(legal), dtype=np.int64)


def patterns(values: np.ndarray, width: int) -> list[int]:
    """Return the two's-complement patterns of integers, `width` bits each."""
    mask = (1 << width) - 1
    return [value & mask for value in values.tolist()]


def values(patterns: Iterable[int], spec: Spec) -> np.ndarray:
    """Return what `multiply` takes for operands' patterns: values; float patterns as they are."""
    sign = (spec.signed and isinstance(spec, IntegerSpec)) << (spec.width - 1)
    return np.array([pattern - ((pattern & sign) << 1) for pattern in patterns])


def notation(spec: Spec) -> str:
    """Return how messages show patterns: unsigned, signed or hexadecimal."""
    if isinstance(spec, FloatSpec):
        return "hexadecimal"
    return "signed" if spec.signed else "unsigned"


def expected_patterns(spec: Spec, a: np.ndarray, b: np.ndarray) -> list[int]:
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
