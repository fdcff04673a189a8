"""Operand pairs of the floating-point multipliers: patterns at which something changes."""

import itertools

import numpy as np

from mbm_hw.float_spec import FloatExact, FloatSpec

EXHAUSTIVE_MANTISSA_BITS = 8
SAMPLES = 10_000  # of each kind: uniform, at the ends of the exponent's range, rounding ties


def float_pairs(spec: FloatSpec, generator: np.random.Generator) -> np.ndarray:
    """Return patterns a and b, int64 [2, pairs].

    The corners crossed; 10,000 pairs drawn uniformly; 10,000 whose product is at an end of the
    exponent's range; for FloatExact 10,000 whose product is half way between two numbers. Up to 8
    mantissa bits, all pairs of mantissas too: in the middle and at each end of that range.
    """
    kinds = [
        np.array(list(itertools.product(corners(spec), repeat=2)), dtype=np.int64).T,
        generator.integers(0, 1 << spec.width, (2, SAMPLES)),
        _at(spec, generator, _drawn_mantissas(spec, generator), ends(spec)),
    ]
    if isinstance(spec, FloatExact):
        kinds.append(_at(spec, generator, _ties(spec, generator), ends(spec)))
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


def _drawn_mantissas(spec, generator):
    return generator.integers(0, 1 << spec.mantissa_bits, (2, SAMPLES))


def _ties(spec, generator):
    """Draw odd significands of so many bits that their product has one bit more than fit."""
    bits = spec.mantissa_bits + 1
    width = generator.integers(1, bits + 1, SAMPLES)
    widths = np.stack([width, np.minimum(bits + 2 - width, bits)])
    one = np.int64(1) << (widths - 1)
    odd = one | generator.integers(0, one) | 1
    return (odd << (bits - widths)) - (1 << spec.mantissa_bits)
