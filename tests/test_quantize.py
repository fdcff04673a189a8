"""Scales, codes and calibration against what NumPy says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mbm_hw import MBM, Exact, Table, product_table
from mbm_hw.nn.quantize import QUANTIZERS, AmaxObserver, Fixed, Symmetric, rescale

INT8 = Exact(8, signed=True)
SIGN_MAGNITUDE = Table(product_table(MBM(8)), sign_magnitude=True)


def test_symmetric_scales_are_amax_by_the_largest_code():
    weight = torch.tensor([[1.0, -3.0], [0.0, 0.0], [0.5, 0.25]])
    scale = Symmetric().weight_scale(weight, INT8)
    assert torch.equal(scale, torch.tensor([3.0, 127.0, 0.5]) / 127)
    assert Symmetric().activation_scale(torch.tensor(2.0), MBM(4, signed=True)) == np.float32(2 / 7)
    assert Symmetric().activation_scale(torch.tensor(0.0), INT8) == 1


@pytest.mark.parametrize(
    ("spec", "qmax"),
    [(INT8, 127), (MBM(4, signed=True), 7), (MBM(16, signed=True), 32767), (SIGN_MAGNITUDE, 255)],
)
def test_symmetric_codes_leave_out_the_lowest_pattern(spec, qmax):
    assert Symmetric().qmax(spec) == qmax
    x = torch.tensor([-9e9, -1.0, 1.0, 9e9, float("inf"), -float("inf"), float("nan")])
    codes = Symmetric().codes(x, torch.tensor(1 / qmax), spec, torch.int32)
    assert codes.tolist() == [-qmax, -qmax, qmax, qmax, qmax, -qmax, 0]


def test_halves_are_rounded_to_even():
    x = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
    codes = Symmetric().codes(x, torch.tensor(1.0), INT8, torch.int8)
    assert codes.tolist() == [-2, -2, 0, 0, 2, 2, 4]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.floats(1e-6, 1e6), width=st.integers(4, 16))
def test_a_code_is_within_half_a_step_of_its_value(seed, size, width):
    x = torch.from_numpy(np.random.default_rng(seed).normal(0, size, 500).astype(np.float32))
    spec = Exact(width, signed=True)
    scale = Symmetric().activation_scale(x.abs().max(), spec)
    codes = Symmetric().codes(x, scale, spec, torch.int32)
    # Half a step, and what the division's rounding to float32 may move a value across the middle.
    half = scale.double() * (0.5 + Symmetric().qmax(spec) * 2**-24)
    assert (codes.double() * scale.double() - x.double()).abs().max() <= half
    assert codes.abs().max() == Symmetric().qmax(spec)


def test_fixed_is_the_hand_made_studys_fixed_point():
    x = torch.linspace(-0.4, 0.4, 10_001)
    codes = Fixed().codes(
        x, Fixed().activation_scale(None, SIGN_MAGNITUDE), SIGN_MAGNITUDE, torch.int16
    )
    assert np.array_equal(codes.numpy(), np.clip(np.round(1000 * x.numpy()), -255, 255))
    assert Fixed().weight_scale(torch.ones(3, 2), SIGN_MAGNITUDE).tolist() == [np.float32(1e-3)] * 3
    assert Fixed().observer() is None
    with pytest.raises(ValueError, match=r"limit=255\) needs codes to 255; .* has them to 127"):
        Fixed().qmax(INT8)


def test_quantizers_print_compare_and_have_names():
    assert repr(Fixed()) == "Fixed(scale=1000, limit=255)"
    assert repr(Symmetric()) == "Symmetric(percentile=100.0)"
    assert QUANTIZERS["symmetric"] == Symmetric() != QUANTIZERS["percentile"]
    assert len({Fixed(), Fixed(1000, 255), Symmetric()}) == 2


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Symmetric(percentile=0), r"percentile must be in \(0, 100\], not 0"),
        (lambda: Symmetric(percentile=101), "not 101"),
        (lambda: Fixed(scale=0), "scale must be above 0, not 0"),
        (lambda: Fixed(limit=0), "limit must be at least 1, not 0"),
    ],
)
def test_impossible_quantizers_are_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_min_max_calibration_is_the_largest_magnitude_over_all_batches():
    observer = AmaxObserver()
    assert not observer.has_seen
    for batch in (torch.tensor([1.0, -5.0]), torch.empty(0), torch.tensor([[3.0]])):
        observer.update(batch)
    assert observer.has_seen
    assert observer.amax == 5.0


@pytest.mark.parametrize("percentile", [50.0, 99.0, 99.9])
@pytest.mark.parametrize("size", [1e-20, 1.0, 1e20])
def test_percentile_calibration_is_numpys_to_the_histograms_width(percentile, size):
    values = np.random.default_rng(3).standard_cauchy(100_001).astype(np.float32) * np.float32(size)
    observer = AmaxObserver(percentile)
    for part in np.array_split(values, 7):
        observer.update(torch.from_numpy(part))
    expected = np.percentile(np.abs(values), percentile, method="inverted_cdf")
    assert expected <= observer.amax <= expected * (1 + 2**-8)


def test_a_percentile_of_almost_only_zeros_is_their_maximum():
    observer = AmaxObserver(99.0)
    observer.update(torch.tensor([0.0] * 999 + [2.0]))
    assert observer.amax == 2.0
    observer = AmaxObserver(99.0)
    observer.update(torch.zeros(5))
    assert observer.amax == 0.0


def test_rescale_keeps_its_order_in_float32():
    sums, bias = torch.tensor([[2**24 + 1, -7]]), torch.tensor([0.1, 0.2])
    x_scale, w_scale = torch.tensor(0.3), torch.tensor([0.7, 0.11])
    f = np.float32
    expected = [
        f(f(s) * f(f(0.3) * f(w))) + f(b) for s, w, b in ((2**24 + 1, 0.7, 0.1), (-7, 0.11, 0.2))
    ]
    assert rescale(sums, x_scale, w_scale, bias)[0].tolist() == expected
    assert rescale(sums.int(), x_scale, w_scale, None).dtype == torch.float32
