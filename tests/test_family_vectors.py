"""The families against published vectors and against oracles that know the definitions alone."""

import dataclasses
import doctest
import importlib
import itertools

import numpy as np
import pytest
from family_vectors import PAIRS, entry_of, legal_specs, modules, widths_of

from mbm_hw.multipliers import find_spec, multiply, pattern_values, product_table
from mbm_hw.multipliers.errors import error_metrics
from mbm_hw.multipliers.lowering import Terms
from mbm_hw.multipliers.parameters import Integer, parameter_of
from mbm_hw.multipliers.published import PUBLISHED

FAMILIES = modules()
VECTORS = [row for module in FAMILIES.values() for row in module.VECTORS]
SAMPLES = 2**18
OPERANDS_16 = np.array([*range(8), 300, 12345, 32767, 32768, 40000, 50000, 54321, 65534, 65535])


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row.spec)
def test_known_products_and_sums(row):
    spec = find_spec(row.spec)
    pairs = row.pairs or PAIRS[spec.width][: len(row.products)]
    actual = {pair: int(multiply(spec, *pair)) for pair in pairs}
    assert actual == dict(zip(pairs, row.products, strict=True))
    if row.sum is not None:
        assert product_table(spec).sum() == row.sum


def half_a_digit(published: float) -> float:
    """Return half of the last printed digit's unit, and a bit more."""
    digits = len(str(published).partition(".")[2])
    return 0.51 * 10.0**-digits


@pytest.mark.parametrize(
    "row",
    [row for row in VECTORS if (row.bias, row.mred) != (None, None)],
    ids=lambda row: row.spec,
)
def test_known_errors(row):
    """8 bits to the printed digit; above, within the sample's error (5 sigma) and rounding."""
    spec = find_spec(row.spec)
    metrics = error_metrics(spec, None if spec.width <= 8 else SAMPLES)
    for name in ("bias", "mred"):
        if (published := getattr(row, name)) is not None:
            tolerance = half_a_digit(published) + 5 * metrics.standard_error
            assert getattr(metrics, name) == pytest.approx(published, abs=tolerance), name
    # A sample's peak can only fall short of the true one.
    for name in ("peak_min", "peak_max"):
        if (published := getattr(row, name)) is not None:
            assert getattr(metrics, name) == pytest.approx(published, abs=0.05, rel=0.05), name


PUBLICATIONS = [publication for name, publication in PUBLISHED.items() if name != "mbm"]


@pytest.mark.parametrize(
    "row", [row for publication in PUBLICATIONS for row in publication.rows], ids=lambda r: r.spec
)
def test_published_figures_come_out(row):
    """Within the last printed digit's half, the sample's error (5 sigma), a sample's peak."""
    metrics = error_metrics(row.spec, SAMPLES)
    for name in ("bias", "mred"):
        if (published := getattr(row, name)) is not None:
            tolerance = half_a_digit(published) + 5 * metrics.standard_error
            assert getattr(metrics, name) == pytest.approx(published, abs=tolerance), name
    if row.peak is not None:
        peak = max(metrics.peak_max, -metrics.peak_min)
        assert peak == pytest.approx(row.peak, abs=0.05, rel=0.04)


def expected_product(oracle, spec, a: int, b: int) -> int:
    """Return the oracle's product of values; of magnitudes, with the sign, where it takes those."""
    if not spec.takes_magnitudes:
        return oracle(spec, a, b)
    sign = -1 if (a < 0) != (b < 0) else 1
    return sign * oracle(spec, abs(a), abs(b))


def check(oracle, spec, a, b):
    low = -(1 << (spec.product_width - 1)) if spec.signed else 0
    high = (1 << (spec.product_width - spec.signed)) - 1
    for x, y, product in zip(a.tolist(), b.tolist(), multiply(spec, a, b).tolist(), strict=True):
        expected = expected_product(oracle, spec, x, y)
        assert product == expected, f"{spec}: {x} * {y} is {product}, expected {expected}"
        assert low <= product <= high, f"{spec}: {x} * {y} is {product}, not {low} to {high}"


def check_all(oracle, spec):
    operands = pattern_values(spec)
    check(oracle, spec, *(x.ravel() for x in np.meshgrid(operands, operands, indexing="ij")))


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("family", FAMILIES)
def test_narrow_products_equal_the_oracle_for_all_parameters(family, signed):
    """All products; on a sample where there is one width only, of 8 bits."""
    entry, oracle = entry_of(family), FAMILIES[family].oracle
    generator = np.random.default_rng(0)
    for width in narrow_widths(entry.kind):
        for spec in legal_specs(entry, width, signed) if signed in entry.kind.SIGNS else ():
            if width <= 6:
                check_all(oracle, spec)
            else:
                check(oracle, spec, *generator.choice(pattern_values(spec), (2, 500)))


def narrow_widths(kind):
    """Return the two widest widths up to 6 bits, of families with many parameters the narrower."""
    widths = [width for width in widths_of(kind) if width <= 6][-2:] or widths_of(kind)[:1]
    return widths if len(dataclasses.fields(kind)) <= 4 else widths[:1]


@pytest.mark.parametrize("row", [row for row in VECTORS if row.sum], ids=lambda row: row.spec)
def test_all_products_of_8_bits_equal_the_oracle(row):
    spec = find_spec(row.spec)
    check_all(FAMILIES[spec.family].oracle, spec)


@pytest.mark.parametrize("family", FAMILIES)
def test_wide_products_equal_the_oracle_at_corners_and_on_a_sample(family):
    entry = entry_of(family)
    for width in {8, 9, 15, 16, 31, 32} & set(widths_of(entry.kind)):
        generator = np.random.default_rng(width)
        for signed in entry.kind.SIGNS:
            specs = list(legal_specs(entry, width, signed))
            for spec in {specs[0], specs[-1], *generator.choice(specs, 3)}:
                top = spec.magnitude_max.bit_length()
                near = {(1 << k) + d for k in range(top + 1) for d in (-1, 0, 1)}
                ends = {0, spec.operand_max, spec.operand_min, spec.operand_min + 1}
                legal = (x for x in near | ends if spec.operand_min <= x <= spec.operand_max)
                corners = generator.choice(sorted(legal), (2, 50))
                sample = np.exp2(generator.uniform(0, spec.operand_max.bit_length(), (2, 50)))
                sample = sample.astype(np.int64) * generator.choice([1, 1 - 2 * signed], (2, 50))
                a, b = np.concatenate([corners, sample], axis=1)
                check(FAMILIES[family].oracle, spec, a, b)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_legal_width_and_sign_can_be_constructed_and_is_found_by_its_name(family):
    entry = entry_of(family)
    for width, signed in itertools.product(widths_of(entry.kind), entry.kind.SIGNS):
        specs = list(legal_specs(entry, width, signed))
        assert specs
        for spec in (specs[0], specs[-1]):
            assert find_spec(spec.identifier) == spec


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_outside_their_range_are_refused_by_field_range_and_value(family):
    entry = entry_of(family)
    kind = entry.kind
    spec = next(iter(legal_specs(entry, 8, kind.SIGNS[0])))
    with pytest.raises(ValueError, match=f"^{kind.__name__}: width must be .* not 99$"):
        dataclasses.replace(spec, width=99)
    for field in dataclasses.fields(kind):
        if isinstance(parameter := parameter_of(field), Integer):
            legal = parameter.legal(spec)
            for value in (legal[0] - 1, legal[-1] + 1):
                message = f"^{kind.__name__}: {field.name} must be .* not {value}$"
                with pytest.raises(ValueError, match=message):
                    dataclasses.replace(spec, **{field.name: value})


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sum_of_terms_is_the_product(family):
    """Kernels multiply so: on values of 64 bits with and without sign."""
    entry = entry_of(family)
    for width in {8, 16} & set(widths_of(entry.kind)):
        operands = np.arange(256) if width == 8 else OPERANDS_16
        for spec in legal_specs(entry, width, entry.kind.SIGNS[0]):
            lowering = spec.lowering()
            if not isinstance(lowering, Terms):
                continue
            for dtype in (np.int64, np.uint64):
                a, b = operands[:, None].astype(dtype), operands[None].astype(dtype)
                total = np.zeros((), np.uint64)
                for left, right, factor in lowering.terms:
                    left, right = left(a), right(b)
                    if lowering.of is None:
                        term = left.astype(np.uint64) * right.astype(np.uint64)
                    else:
                        term = multiply(lowering.of, left, right).astype(np.uint64)
                    total = total + term * np.array(factor).astype(np.uint64)
                assert np.array_equal(total.astype(np.int64), multiply(spec, a, b)), spec


@pytest.mark.parametrize("family", FAMILIES)
def test_the_examples_of_the_docstring_run(family):
    module = importlib.import_module(entry_of(family).kind.__module__)
    assert doctest.testmod(module).attempted
    assert not doctest.testmod(module).failed
