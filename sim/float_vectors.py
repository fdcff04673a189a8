"""Operand pairs of the floating-point multipliers: patterns at which something changes."""

import itertools

import numpy as np

from mbm_hw.multipliers import FloatExact, FloatSpec

EXHAUSTIVE_MANTISSA_BITS = 8
SAMPLES = 10_000  # of each kind: uniform, and at the ends of the exponent's range
DIRECTED_SAMPLES = 2_000  # of each kind of mantissas that chance would not bring


def float_pairs(spec: FloatSpec, generator: np.random.Generator) -> np.ndarray:
    """Return patterns a and b, int64 [2, pairs].

    The corners crossed; 10,000 pairs drawn uniformly; 10,000 whose product is at an end of the
    exponent's range; 2,000 of each kind of mantissas at which something changes. Up to 8 mantissa
    bits, all pairs of mantissas too: in the middle and at each end of that range.
    """
    drawn = generator.integers(0, 1 << spec.mantissa_bits, (2, SAMPLES))
    kinds = [
        np.array(list(itertools.product(corners(spec), repeat=2)), dtype=np.int64).T,
        generator.integers(0, 1 << spec.width, (2, SAMPLES)),
        _at(spec, generator, drawn, ends(spec)),
    ]
    directed = (_ties, _below_two) if isinstance(spec, FloatExact) else (_sums,)
    kinds += [_at(spec, generator, draw(spec, generator), ends(spec)) for draw in directed]
    if spec.mantissa_bits <= EXHAUSTIVE_MANTISSA_BITS:
        mantissas = np.indices((1 << spec.mantissa_bits,) * 2).reshape(2, -1)
        middle, low, high = ends(spec)[0:1], ends(spec)[1:4], ends(spec)[4:]
        kinds += [_at(spec, generator, mantissas, exponents) for exponents in (middle, low, high)]
    return np.concatenate(kinds, axis=1)


def corners(spec: FloatSpec) -> list[int]:
    """Return the patterns at which something changes: zeros, subnormals, ends, infinities, NaNs."""
    half = 1 << (spec.mantissa_bits - 1)
    mantissas = {0, 1, half - 1, half, min(half + 1, 2 * half - 1), 2 * half - 1}
    exponents = {0, 1, spec.exponent_bias, spec.exponent_max - 1, spec.exponent_max}
    return [
        int(_pattern(spec, sign, exponent, mantissa))
        for sign in (0, 1)
        for exponent in sorted(exponents)
        for mantissa in sorted(mantissas)
    ]


def ends(spec: FloatSpec) -> list[int]:
    """Return exponent fields of products before normalisation: 1.0's, the lowest, the highest."""
    top = spec.exponent_max
    return [spec.exponent_bias, -1, 0, 1, top - 2, top - 1, top]


def _pattern(spec, sign, exponent, mantissa):
    return (sign << spec.exponent_bits | exponent) << spec.mantissa_bits | mantissa


def _at(spec, generator, mantissas, exponents):
    """Give mantissas [2, pairs] signs, and exponents that add up to one of `exponents`."""
    pairs = mantissas.shape[1]
    highest = spec.exponent_max - 1
    total = generator.choice(exponents, pairs) + spec.exponent_bias
    total = np.clip(total, 2, 2 * highest)  # of two numbers that are neither 0 nor infinite
    first = generator.integers(np.maximum(1, total - highest), np.minimum(highest, total - 1) + 1)
    signs = generator.integers(0, 2, (2, pairs))
    return _pattern(spec, signs, np.stack([first, total - first]), mantissas)


def _ties(spec, generator):
    """Draw odd significands whose product has as many bits as fit, or one or two more."""
    bits = spec.mantissa_bits + 1
    width = generator.integers(1, bits, DIRECTED_SAMPLES)
    both = generator.integers(bits, bits + 3, DIRECTED_SAMPLES)
    widths = np.stack([width, np.minimum(both - width, bits)])
    one = np.int64(1) << (widths - 1)
    odd = one | generator.integers(0, one) | 1
    return (odd << (bits - widths)) - (1 << spec.mantissa_bits)


def _below_two(spec, generator):
    """Draw mantissas whose significands' product is as near below 2 as it can be."""
    one = 1 << spec.mantissa_bits
    first = generator.integers(one + 1, 2 * one, DIRECTED_SAMPLES)
    return np.stack([first, (2 * one * one - 1) // first]) - one


def _sums(spec, generator):
    """Draw mantissas whose sum, or corrected sum, is next to 1 or 2."""
    one = 1 << spec.mantissa_bits
    without_carry, with_carry = spec.corrections
    sums = [one, one - without_carry, 2 * one - with_carry]
    total = generator.choice(sums, DIRECTED_SAMPLES) + generator.integers(-1, 2, DIRECTED_SAMPLES)
    total = np.minimum(total, 2 * one - 2)
    first = generator.integers(np.maximum(0, total - one + 1), np.minimum(total, one - 1) + 1)
    return np.stack([first, total - first])
