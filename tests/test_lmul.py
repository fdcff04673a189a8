"""LMul, the multiplier that adds floating-point patterns, against its definition."""

import doctest

import numpy as np
import pytest

from mbm_hw.multipliers import FloatLMul, float_lmul, float_multiply, mantissa_table, multiply
from mbm_hw.multipliers.errors import error_metrics

FORMATS = [(4, 1), (5, 2), (4, 3), (3, 4), (4, 5), (8, 7)]


def offset(mantissa_bits):
    lengths = {1: 1, 2: 2, 3: 3, 4: 3}
    return 2 ** (mantissa_bits - lengths.get(mantissa_bits, 4))


def oracle(spec, a, b):
    """Return the pattern of the product of two patterns of numbers that are not special."""
    e, m = spec.exponent_bits, spec.mantissa_bits
    bias, infinity = 2 ** (e - 1) - 1, (2**e - 1) << m
    sign = (a ^ b) & 1 << (e + m)
    i, j = a & (1 << (e + m)) - 1, b & (1 << (e + m)) - 1
    if i >> m == 0 or j >> m == 0 or (i >> m) + (j >> m) < bias:
        return sign
    total = i + j - (bias << m) + offset(m)
    return sign | (min(total, infinity) if total >> m else 0)


@pytest.mark.parametrize("bits", FORMATS[:5], ids=str)
def test_all_products_of_numbers_are_sums_of_patterns(bits):
    spec = FloatLMul(exponent_bits=bits[0], mantissa_bits=bits[1])
    patterns = np.arange(1 << spec.width)
    finite = patterns[(patterns >> spec.mantissa_bits & spec.exponent_max) < spec.exponent_max]
    table = multiply(spec, finite[:, None], finite)
    for a, row in zip(finite.tolist(), table.tolist(), strict=True):
        for b, product in zip(finite.tolist(), row, strict=True):
            assert product == oracle(spec, a, b), f"{spec}: {a:#x} * {b:#x} is {product:#x}"


def test_the_offset_may_carry_the_exponent_by_two():
    assert mantissa_table(FloatLMul(exponent_bits=8, mantissa_bits=7)).max() >> 7 == 2
    largest = 0x3FFF  # 1.9921875
    assert float_multiply(FloatLMul(exponent_bits=8, mantissa_bits=7), largest, largest) == 0x4086


def test_an_exponent_below_zero_before_normalisation_is_a_zero():
    """A product that an increment of two would make a number again."""
    spec = FloatLMul(exponent_bits=8, mantissa_bits=7)
    largest = (1 << 7) - 1
    below, at = 63 << 7 | largest, 64 << 7 | largest
    assert multiply(spec, below, below) == 0
    assert multiply(spec, below, at) == 2 << 7 | 6


@pytest.mark.parametrize(
    ("name", "bias", "mred", "peak_min", "peak_max"),
    [
        ("lmul_bf16", 0.4085, 2.6555, -7.288, 6.250),
        ("lmul_e4m3", 4.930, 5.241, -3.030, 12.500),
        ("lmul_e5m2", 14.674, 14.674, None, None),
        ("lmul_fp16", 0.4082, 2.6548, None, None),
    ],
)
def test_known_errors(name, bias, mred, peak_min, peak_max):
    metrics = error_metrics(name)
    assert (metrics.bias, metrics.mred) == pytest.approx((bias, mred), abs=6e-4)
    if peak_min is not None:
        assert (metrics.peak_min, metrics.peak_max) == pytest.approx((peak_min, peak_max), abs=6e-4)


@pytest.mark.parametrize("mantissa_bits", range(1, 24))
def test_the_offset_is_legal_for_every_format(mantissa_bits):
    spec = FloatLMul(exponent_bits=5, mantissa_bits=mantissa_bits)
    assert spec.offset == offset(mantissa_bits)
    largest = np.array([(1 << mantissa_bits) - 1])
    assert spec.product(largest, largest) == 2 * largest + offset(mantissa_bits)


def test_the_examples_of_the_docstring_run():
    results = doctest.testmod(float_lmul)
    assert results.attempted
    assert not results.failed
