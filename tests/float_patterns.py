"""Float specs of every kind, and values of their formats, for the tests of the operators."""

import numpy as np
import pytest
import torch

from mbm_hw import FloatExact, FloatMBM, FloatMitchell

SPECS = (
    FloatExact(8, 23),
    FloatExact(8, 7),
    FloatExact(5, 10),
    FloatMitchell(8, 23),
    FloatMitchell(8, 7),
    FloatMitchell(5, 10),
    FloatMitchell(8, 23, truncation=9),
    FloatMBM(8, 23),
    FloatMBM(8, 23, truncation=20),
    FloatMBM(8, 7, force_lsb=True),
    FloatMBM(8, 7),
    FloatMBM(5, 10),
    FloatMBM(5, 10, truncation=3),
    FloatMBM(6, 9, force_lsb=True),
    FloatMBM(7, 12),
    FloatMBM(8, 5, force_lsb=True),
    FloatMBM(4, 3),
)
each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.identifier)
QUIET_NAN = 0x7FC00000


def widened(spec, patterns):
    """Return bit patterns of the format as float32 values, subnormal numbers too."""
    m, bias = spec.mantissa_bits, spec.exponent_bias
    patterns = np.asarray(patterns, np.int64)
    sign = np.where(patterns >> (spec.width - 1), -1.0, 1.0)
    exponent, mantissa = patterns >> m & spec.exponent_max, patterns % (1 << m)
    values = np.ldexp(1 + mantissa / 2.0**m, exponent - bias)
    values = np.where(exponent == 0, np.ldexp(mantissa / 2.0**m, 1 - bias), values)
    values = np.where(exponent == spec.exponent_max, np.where(mantissa, np.nan, np.inf), values)
    with np.errstate(invalid="ignore"):
        return (sign * values).astype(np.float32)


def rounded(x, exponent_bits, mantissa_bits):
    """Return float32 values rounded to a format, by frexp and NumPy's round, in float64."""
    bias = 2 ** (exponent_bits - 1) - 1
    with np.errstate(all="ignore"):
        x = x.astype(np.float64)
        significand, exponent = np.frexp(x)  # 0.5 to 1
        y = np.ldexp(
            np.round(np.ldexp(significand, mantissa_bits + 1)), exponent - mantissa_bits - 1
        )
        y = np.where(np.abs(y) < 2.0 ** (1 - bias), np.copysign(0.0, x), y)
        y = np.where(np.abs(y) >= 2.0 ** (bias + 1), np.copysign(np.inf, x), y)
        return np.where(np.isnan(x), np.nan, np.where(np.isinf(x), x, y)).astype(np.float32)


def tensor(spec, patterns):
    return torch.from_numpy(widened(spec, patterns))


def random_patterns(spec, shape, seed=0, kind="network"):
    """Return patterns of the format: like a network's, of all finite values, or of any value."""
    generator = np.random.default_rng(seed)
    m, bias, top = spec.mantissa_bits, spec.exponent_bias, spec.exponent_max
    signs = generator.integers(0, 2, shape) << (spec.width - 1)
    if kind == "any":
        special = [0, 1, (1 << m) - 1, 1 << m, bias << m, (top << m) - 1, top << m, (top << m) + 1]
        patterns = generator.integers(0, 1 << (spec.width - 1), shape)
        return signs | np.where(
            generator.random(shape) < 0.2, generator.choice(special, shape), patterns
        )
    low, high = (0, top - 1) if kind == "finite" else (max(bias - 6, 0), min(bias + 2, top - 1))
    exponents = generator.integers(low, high, shape, endpoint=True)
    patterns = signs | exponents << m | generator.integers(0, 1 << m, shape)
    zero = generator.random(shape) < 0.2
    return np.where(zero, signs, patterns)
