from fractions import Fraction

import numpy as np
import pytest

from mbm_hw.multipliers import FloatExact, FloatMBM, FloatMitchell, float_multiply, mantissa_table
from mbm_hw.multipliers.errors import error_metrics

NARROW = [
    FloatExact(4, 3),
    FloatExact(5, 2),
    FloatMitchell(4, 3),
    FloatMitchell(4, 3, truncation=1),
    FloatMBM(4, 3),
    FloatMBM(5, 2, force_lsb=True),
    FloatMBM(3, 4, truncation=2),
    FloatMBM(2, 1),
    FloatMBM(2, 5, force_lsb=True),
]


def value(spec, pattern):
    """Return sign and value: a Fraction, or "inf" or "nan"; subnormals are zero."""
    m = spec.mantissa_bits
    sign, exponent, mantissa = pattern >> (spec.width - 1), pattern >> m, pattern % 2**m
    exponent %= 2**spec.exponent_bits
    if exponent == spec.exponent_max:
        return sign, "nan" if mantissa else "inf"
    if exponent == 0:
        return sign, Fraction(0)
    return sign, (1 + Fraction(mantissa, 2**m)) * Fraction(2) ** (exponent - spec.exponent_bias)


def significand_product(spec, x, y):
    """Return the product of two significands in [1, 2), in fractions, from the definition."""
    m = spec.mantissa_bits
    ulp = Fraction(1, 2**m)
    if isinstance(spec, FloatExact):
        product = x * y
        grid = ulp * 2 if product >= 2 else ulp
        return round(product / grid) * grid  # Python rounds halves to even
    step = ulp * 2**spec.truncation

    def fraction(s):
        kept = (s - 1) // step
        return (kept + (kept % 2 == 0 if spec.truncation or spec.forced else 0)) * step

    f = fraction(x) + fraction(y)
    carry = f >= 1
    f -= carry
    if isinstance(spec, FloatMBM):
        units = (10 >> carry) << m >> 7  # the constant on the mantissa's grid
        constant = units * ulp // step * step
        f = f if carry and f + constant >= 1 else f + constant
    if f < 1:
        return (1 + f) * (2 if carry else 1)
    return (1 + f) // (2 * ulp) * (2 * ulp)


def oracle(spec, a, b):
    m, e = spec.mantissa_bits, spec.exponent_bits
    (sign_a, x), (sign_b, y) = value(spec, a), value(spec, b)
    sign = (sign_a ^ sign_b) << (m + e)
    infinity = spec.exponent_max << m
    if "nan" in (x, y) or ("inf" in (x, y) and 0 in (x, y)):
        return infinity | 1 << (m - 1)
    if "inf" in (x, y):
        return sign | infinity
    if 0 in (x, y):
        return sign
    field_a, field_b = (p >> m & spec.exponent_max for p in (a, b))
    exponent = field_a + field_b - spec.exponent_bias
    one_a, one_b = (1 + Fraction(p % 2**m, 2**m) for p in (a, b))
    product = significand_product(spec, one_a, one_b)
    if exponent < 0:
        return sign
    if product >= 2:
        product, exponent = product / 2, exponent + 1
    if exponent == 0:
        return sign
    if exponent >= spec.exponent_max:
        return sign | infinity
    return sign | exponent << m | int((product - 1) * 2**m)


@pytest.mark.parametrize("spec", NARROW, ids=str)
def test_narrow_products_equal_the_oracle_for_all_patterns(spec):
    patterns = np.arange(2**spec.width)
    products = float_multiply(spec, patterns[:, None], patterns)
    assert products.dtype == np.uint32
    for (a, b), actual in np.ndenumerate(products):
        expected = oracle(spec, a, b)
        assert actual == expected, f"{spec}: {a:#x} * {b:#x} is {actual:#x}, not {expected:#x}"


@pytest.mark.parametrize(
    "spec",
    [
        FloatExact(8, 23),
        FloatExact(5, 10),
        FloatMitchell(8, 23),
        FloatMBM(8, 23),
        FloatMBM(8, 23, truncation=20),
        FloatMBM(8, 7, force_lsb=True),
        FloatMBM(5, 10, truncation=3),
    ],
    ids=str,
)
def test_wide_products_equal_the_oracle_on_special_values_and_a_sample(spec):
    generator = np.random.default_rng(0)
    m, top = spec.mantissa_bits, spec.exponent_max << spec.mantissa_bits
    special = [0, 1, (1 << m) - 1, 1 << m, spec.exponent_bias << m, top - 1, top, top + 1]
    signs = np.repeat([0, 1 << (spec.width - 1)], len(special))
    corners = np.tile(special, 2) | signs
    a = np.append(np.repeat(corners, 16), generator.integers(0, 2**spec.width, 3000))
    b = np.append(np.tile(corners, 16), generator.integers(0, 2**spec.width, 3000))
    for x, y, actual in zip(a.tolist(), b.tolist(), float_multiply(spec, a, b), strict=True):
        expected = oracle(spec, x, y)
        assert actual == expected, f"{spec}: {x:#x} * {y:#x} is {actual:#x}, not {expected:#x}"


def test_the_exact_fp32_product_is_the_machines():
    generator = np.random.default_rng(1)
    a, b = generator.normal(0, 1e10, (2, 100_000)).astype(np.float32)
    products = float_multiply(FloatExact(8, 23), a.view(np.uint32), b.view(np.uint32))
    assert np.array_equal(products, (a * b).view(np.uint32))


@pytest.mark.parametrize(
    ("spec", "one_by_one", "figures"),
    [
        (FloatMBM(8, 7, force_lsb=True), 1.09375, (0.447, 2.693, -7.636, 9.375)),
        (FloatMBM(8, 7), 1.078125, (-0.089, 2.612, -7.853, 7.813)),
    ],
    ids=str,
)
def test_published_bf16_figures(spec, one_by_one, figures):
    """Bias, MRED and peaks in percent, over all mantissa pairs."""
    one = spec.exponent_bias << spec.mantissa_bits
    product = int(float_multiply(spec, one, one))
    assert value(spec, product) == (0, Fraction(one_by_one))
    metrics = error_metrics(spec)
    assert metrics.pairs == 2**14
    actual = metrics.bias, metrics.mred, metrics.peak_min, metrics.peak_max
    assert actual == pytest.approx(figures, abs=5.01e-4)


def test_exact_floats_err_by_at_most_half_a_unit():
    metrics = error_metrics(FloatExact(8, 23), samples=10_000)
    assert 0 < metrics.peak_max <= 100 * 2**-24
    assert -100 * 2**-24 <= metrics.peak_min < 0


@pytest.mark.parametrize(
    ("family", "parameters", "message"),
    [
        (FloatMBM, {"exponent_bits": 9}, "FloatMBM: exponent_bits must be an integer 2 to 8"),
        (FloatExact, {"mantissa_bits": 0}, "FloatExact: mantissa_bits must be an integer 1 to 23"),
        (FloatMitchell, {"truncation": 7}, "truncation must be an integer 0 to 6, not 7"),
        (FloatMBM, {"force_lsb": 1}, "FloatMBM: force_lsb must be True or False, not 1"),
    ],
)
def test_illegal_float_specs_cannot_be_constructed(family, parameters, message):
    with pytest.raises(ValueError, match=message):
        family(**parameters)


def test_patterns_outside_the_format_are_refused():
    with pytest.raises(ValueError, match=r"a must be 0 to 65535 for FloatMBM.*, not 65536"):
        float_multiply(FloatMBM(8, 7), 65536, 0)
    with pytest.raises(ValueError, match=r"b must be bit patterns 0 to 65535 .*, not float64"):
        float_multiply(FloatMBM(8, 7), 0, 1.0)
    with pytest.raises(ValueError, match="at most 8 mantissa bits"):
        mantissa_table(FloatMBM(5, 10))
