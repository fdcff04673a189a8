import numpy as np
import pytest

from mbm_hw.multipliers import MBM, Exact, Mitchell, Table, find_spec, product_table
from mbm_hw.multipliers.errors import error_histogram, error_metrics
from mbm_hw.multipliers.published import TABLE_I
from mbm_hw.studies.multipliers import multiplier_errors

SAMPLES = 2**18


def test_8_bit_figures_of_the_paper_and_of_the_exhaustive_count():
    paper = error_metrics(MBM(8), include_zeros=True)
    assert (round(paper.bias, 2), round(paper.mred, 2)) == (0.05, 2.69)
    nonzero = error_metrics(MBM(8))
    assert (nonzero.pairs, nonzero.relative_pairs) == (256**2, 255**2)
    assert (round(nonzero.bias, 4), round(nonzero.mred, 4)) == (0.0494, 2.7098)
    assert (round(nonzero.peak_min, 4), round(nonzero.peak_max, 4)) == (-7.6389, 7.8125)
    assert round(error_metrics(Mitchell(8)).bias, 4) == -3.7878


@pytest.mark.parametrize("row", [r for r in TABLE_I if r.bias is not None], ids=lambda r: r.spec)
def test_the_papers_table_i_is_reproduced(row):
    """8 bits to the printed digit; 16 bits within the sample's error (5 sigma) and rounding.

    A sample's peak can only fall short of the true one; the paper's is itself from a sample.
    """
    spec = find_spec(row.spec)
    samples = None if spec.width == 8 else 2**22
    metrics = error_metrics(spec, samples, include_zeros=True)
    tolerance = 0.005 + 5 * metrics.standard_error
    assert metrics.bias == pytest.approx(row.bias, abs=tolerance)
    assert metrics.mred == pytest.approx(row.mred, abs=tolerance)
    peak = max(metrics.peak_max, -metrics.peak_min)
    assert peak == pytest.approx(row.peak, abs=0.006 if spec.width == 8 else 0.07)


def zeros_are_wrong():
    """Return a 4-bit table that is exact but for 0 x b and a x 0, which it takes for 100."""
    array = product_table(Exact(4))
    array[0], array[:, 0] = 100, 100
    return Table(array)


@pytest.mark.parametrize("include_zeros", [False, True])
@pytest.mark.parametrize(
    "spec", [MBM(5, truncation=1, signed=True), Mitchell(4), zeros_are_wrong()], ids=str
)
def test_metrics_equal_a_direct_count(spec, include_zeros):
    operands = range(spec.operand_min, spec.operand_max + 1)
    table = product_table(spec)
    pairs = [(a * b, int(table[a, b])) for a in operands for b in operands]
    errors = np.array([product - exact for exact, product in pairs])
    relative = [100 * (product - exact) / exact for exact, product in pairs if exact]
    if include_zeros:
        relative += [0] * (len(pairs) - len(relative))
    relative = np.array(relative)
    metrics = error_metrics(spec, include_zeros=include_zeros)
    assert (metrics.pairs, metrics.relative_pairs) == (len(pairs), len(relative))
    assert metrics.bias == pytest.approx(relative.mean())
    assert metrics.mred == pytest.approx(abs(relative).mean())
    assert metrics.variance == pytest.approx(relative.var())
    assert metrics.peak_min == pytest.approx(relative.min())
    assert metrics.peak_max == pytest.approx(relative.max())
    assert metrics.med == pytest.approx(abs(errors).mean())
    assert metrics.nmed == pytest.approx(abs(errors).mean() / spec.magnitude_max**2)
    assert metrics.mse == pytest.approx((errors**2).mean())
    assert metrics.wce == abs(errors).max()
    assert metrics.error_rate == pytest.approx((errors != 0).mean())


def test_errors_at_zero_operands_are_not_hidden():
    for samples in (None, 2**16):
        for include_zeros in (False, True):
            metrics = error_metrics(zeros_are_wrong(), samples, include_zeros=include_zeros)
            assert metrics.wce == 100
            assert metrics.error_rate == pytest.approx(31 / 256, rel=0.05 if samples else 0)
            assert (metrics.mred, metrics.peak_min, metrics.peak_max) == (0, 0, 0)


@pytest.mark.parametrize("width", [4, 8, 32])
def test_the_exact_multiplier_has_no_error(width):
    metrics = error_metrics(Exact(width, signed=True), samples=1000)
    assert (metrics.mred, metrics.wce, metrics.error_rate) == (0, 0, 0)


def test_a_32_bit_error_of_one_is_not_lost():
    """2**64 - 2**33 + 1 and its neighbours share one float64."""
    metrics = error_metrics(MBM(32), samples=4096)
    assert metrics.error_rate == 1.0
    assert 0 < metrics.wce < 0.08 * 2**64


def test_a_sample_is_seeded_and_says_its_standard_error():
    exhaustive = error_metrics(MBM(8))
    sampled = error_metrics(MBM(8), samples=SAMPLES, seed=1)
    assert sampled == error_metrics(MBM(8), samples=SAMPLES, seed=1)
    assert sampled != error_metrics(MBM(8), samples=SAMPLES, seed=2)
    assert (sampled.pairs, sampled.exhaustive) == (SAMPLES, False)
    expected = (exhaustive.variance / SAMPLES) ** 0.5
    assert sampled.standard_error == pytest.approx(expected, rel=0.01)
    assert abs(sampled.bias - exhaustive.bias) < 5 * sampled.standard_error


@pytest.mark.parametrize("signed", [False, True])
def test_every_pair_of_operands_is_drawn_as_often(signed):
    """A table that is wrong only in one entry: that entry is hit as often as any."""
    spec = Exact(4, signed=signed)
    low, high = spec.operand_min, spec.operand_max
    for a, b in [(low, high), (high, 1), (1, 1), (0, 0), (0, high)]:
        array = product_table(spec)
        array[a, b] += 1
        metrics = error_metrics(Table(array, signed=signed), samples=20000)
        assert metrics.error_rate == pytest.approx(1 / 256, rel=0.5)
        assert metrics.pairs == 20000
        assert metrics.relative_pairs == pytest.approx(20000 * 225 / 256, rel=0.02)


def test_a_samples_standard_error_is_that_of_the_pairs_that_its_bias_counts():
    metrics = error_metrics(MBM(4), samples=20000)
    assert metrics.relative_pairs < 18000
    expected = (metrics.variance / metrics.relative_pairs) ** 0.5
    assert metrics.standard_error == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match=r"no exact product of MBM.* but 0 is in a sample of 1"):
        for seed in range(100):
            error_metrics(MBM(4), samples=1, seed=seed)


def test_too_many_pairs_ask_for_a_sample():
    with pytest.raises(ValueError, match="4294967296 operand pairs, more than 67108864"):
        error_metrics(MBM(16))
    with pytest.raises(ValueError, match="samples must be an integer 1 to 68719476736, not 0"):
        error_metrics(MBM(16), samples=0)


@pytest.mark.parametrize("spec", [Mitchell(6, signed=True), MBM(6)], ids=str)
def test_a_histogram_counts_the_pairs_in_its_bins(spec):
    edges = np.array([-12.0, -5.0, -1.0, 0.0, 1.0, 12.0])
    operands = [a for a in range(spec.operand_min, spec.operand_max + 1) if a]
    table, expected = product_table(spec), np.zeros(5, int)
    for a in operands:
        for b in operands:
            relative = 100 * (int(table[a, b]) - a * b) / (a * b)
            bins = [i for i in range(5) if edges[i] <= relative < edges[i + 1]]
            expected[bins] += 1
    counts = error_histogram(spec, edges)
    assert counts.tolist() == expected.tolist()
    assert counts.sum() == len(operands) ** 2
    sampled = error_metrics(spec, samples=1000)
    assert error_histogram(spec, edges, samples=1000).sum() == sampled.relative_pairs < 1000


def test_a_table_that_is_wrong_at_zeros_has_no_relative_errors():
    assert error_histogram(zeros_are_wrong(), np.array([-1, 0, 1])).tolist() == [0, 225]


def test_a_reports_histogram_is_of_the_pairs_with_a_relative_error():
    (found,) = multiplier_errors({MBM(4): "mbm4"})["multipliers"].values()
    assert (found["pairs"], found["relative_pairs"]) == (256, 225)
    assert sum(found["histogram"]) == pytest.approx(1)
