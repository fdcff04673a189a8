"""Factorisations against the reference: whole tables, rebuilt from int8 factors."""

import dataclasses
import operator

import numpy as np
import pytest

from mbm_hw import MBM, Exact, Mitchell, Table, multiply, product_table
from mbm_hw.ops.cuda.factorization import INT32_MAX, factorization_rows, factorize, rank


def log_specs(widths, least_truncation=lambda width: 0):
    for family in (MBM, Mitchell):
        for width in widths:
            for signed in (True, False):
                for truncation in range(least_truncation(width), width - 1 - signed):
                    yield family(width, truncation, signed)


NARROW = list(log_specs(range(4, 9)))
WIDE = list(log_specs(range(9, 17), lambda width: width - 4))
name = operator.attrgetter("identifier")


def operands(spec, sample=1000):
    """Return all operands, or all near a power of two and a sample."""
    low, high = spec.operand_min, spec.operand_max
    if spec.width <= 9:
        return np.arange(low, high + 1)
    powers = 1 << np.arange(spec.width)
    near = np.concatenate([powers - 1, powers, powers + 1, powers + powers // 2])
    chosen = np.random.default_rng(0).integers(low, high, sample, endpoint=True)
    chosen = np.unique(np.concatenate([chosen, near, -near, [low, high]]))
    return chosen[(low <= chosen) & (chosen <= high)]


def check(factorization, a=None):
    spec = factorization.spec
    a = operands(spec) if a is None else a
    actual = factorization.multiply(a[:, None], a)
    expected = multiply(spec, a[:, None], a)
    if factorization.base is not None:
        expected = expected - multiply(factorization.base, a[:, None], a)
    wrong = np.argwhere(actual != expected)
    assert len(wrong) == 0, (
        f"{spec.identifier}: {a[wrong[0][0]]} * {a[wrong[0][1]]} is {actual[tuple(wrong[0])]}, "
        f"expected {expected[tuple(wrong[0])]}"
    )


@pytest.mark.parametrize("spec", NARROW, ids=name)
def test_the_factors_rebuild_the_whole_table(spec):
    found = factorize(spec)
    assert found.u.dtype == found.v.dtype == np.int8
    assert found.u.shape == found.v.shape == (found.cost, 1 << spec.width)
    check(found)


@pytest.mark.parametrize(
    ("spec", "cost"), [(MBM(8, signed=True), 15), (MBM(8), 19), (MBM(6, signed=True), 13)]
)
def test_what_mbm_has_over_mitchell_takes_few_terms(spec, cost):
    found = factorize(spec, Mitchell(spec.width, signed=spec.signed))
    assert found.cost == cost
    assert found.max_terms >= 2**16
    check(found)


@pytest.mark.parametrize("spec", WIDE, ids=name)
def test_wide_specs_with_few_fraction_bits_factor_too(spec):
    """All of 9 bits; above, 1000 operands and those near powers of two, with one another."""
    check(factorize(spec))


@pytest.mark.parametrize(
    "spec", [Exact(8, signed=True), Exact(8), Exact(12, signed=True), Exact(16)], ids=name
)
def test_exact_products_take_one_term_for_each_pair_of_bytes(spec):
    found = factorize(spec)
    assert found.cost == {8: 1 if spec.signed else 4, 12: 4, 16: 9}[spec.width]
    check(found)


def test_tables_of_low_rank_factor_whoever_made_them():
    random = np.random.default_rng(3)
    low_rank = random.integers(-9, 9, (256, 6)) @ random.integers(-9, 9, (6, 256))
    for table in (
        Table(low_rank, signed=True),
        Table(product_table(MBM(8, truncation=4, signed=True)), signed=True),
        Table(product_table(Mitchell(6))),
        Table(product_table(MBM(7, truncation=3)), sign_magnitude=True),
        Table(np.full((16, 16), 100)),
        Table(np.zeros((16, 16), int)),
    ):
        found = factorize(table)
        check(found)
        assert found.cost <= 2 * rank(table), table


def test_tables_of_high_rank_are_refused():
    table = Table(np.random.default_rng(1).integers(-(2**15), 2**15, (256, 256)), signed=True)
    with pytest.raises(ValueError, match="256 int8 terms, more than 192"):
        factorize(table)
    with pytest.raises(ValueError, match="at most 1024 operands may multiply differently, not"):
        factorize(MBM(16))
    with pytest.raises(TypeError, match="must be an integer multiplier spec"):
        factorize("mbm_bf16")


def test_signed_mbm_takes_as_many_terms_as_its_rank_and_one_accumulator():
    """The ranks of the 8-bit magnitude table, found by others."""
    for truncation, expected in enumerate((78, 46, 28, 22, 18)):
        spec = MBM(8, truncation, signed=True)
        found = factorize(spec)
        assert (rank(spec), found.cost) == (expected, expected), spec
        assert (set(found.shifts), found.scale) == ({0}, 0), spec
    assert rank(MBM(8, 5, signed=True)) == factorize(MBM(8, 5, signed=True)).cost == 12
    assert rank(MBM(8, 6)) == 7
    assert rank(Mitchell(8, signed=True)) == 64


@pytest.mark.parametrize("spec", NARROW, ids=name)
def test_no_table_takes_fewer_terms_than_its_rank(spec):
    row = factorization_rows([spec])[0]
    assert row["spec"] == spec.identifier
    assert row["rank"] <= row["cost"] <= max(row["rank"] + 6, 1.25 * row["rank"])


@pytest.mark.parametrize("spec", NARROW + WIDE, ids=name)
def test_sums_of_max_terms_products_stay_in_int32(spec):
    """At the worst operands, in the worst order: all positive terms first."""
    found = factorize(spec)
    a = operands(spec, sample=300) & ((1 << spec.width) - 1)
    shifts = np.array(found.shifts)
    reached = 0
    for shift in set(found.shifts):
        u, v = (factors[shifts == shift][:, a].astype(np.int64) for factors in (found.u, found.v))
        for side in (np.maximum, np.minimum):
            parts = sum(side(row[:, None] * column, 0) for row, column in zip(u, v, strict=True))
            reached = max(reached, int(np.abs(parts).max()) * found.max_terms)
    assert 0 < reached <= INT32_MAX
    absolute = max(
        int((np.abs(u.astype(np.int64)).T @ np.abs(v.astype(np.int64))).max())
        for u, v in (
            (found.u[shifts == shift][:, a], found.v[shifts == shift][:, a])
            for shift in set(found.shifts)
        )
    )
    assert found.max_terms * absolute <= INT32_MAX
    if spec.width <= 9:
        assert (found.max_terms + 1) * absolute > INT32_MAX


FAULTS = {
    "a dropped term": lambda f: dataclasses.replace(f, u=f.u[1:], v=f.v[1:], shifts=f.shifts[1:]),
    "a wrong shift": lambda f: dataclasses.replace(f, shifts=(f.shifts[0] + 1, *f.shifts[1:])),
    "a wrong scale": lambda f: dataclasses.replace(f, scale=f.scale + 1),
    "swapped terms": lambda f: dataclasses.replace(f, u=np.roll(f.u, 1, axis=0)),
    "a wrong factor": lambda f: dataclasses.replace(
        f, u=f.u + (np.arange(f.u.shape[1]) == 3).astype(np.int8)
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "spec", [MBM(8, 2, True), MBM(8, 5, True), Mitchell(7, 0, True), MBM(10, 7)], ids=name
)
def test_planted_faults_are_caught(fault, spec):
    with pytest.raises((AssertionError, ArithmeticError)):
        check(FAULTS[fault](factorize(spec)))
