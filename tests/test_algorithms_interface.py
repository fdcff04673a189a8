"""What the algorithms refuse, and in which words."""

import pytest
import torch
from algorithm_cases import CONV3X3, INTEGER, each_algorithm, values_for

from mbm_hw import MBM, FloatExact, ops
from mbm_hw.ops.algorithms import find_algorithm
from mbm_hw.ops.algorithms.integers import largest_codes
from mbm_hw.ops.codes import spec_values

FP32, MBM16S, MBM8S = FloatExact(8, 23), MBM(16, signed=True), MBM(8, signed=True)


@each_algorithm
def test_an_infinite_value_makes_the_quiet_nan(name):
    x, w = values_for(FP32, (1, 2, 4, 4), (2, 2, 3, 3))
    x[0, 0, 1, 1] = torch.inf
    y = ops.float_conv2d(x, w, FP32, algorithm=name)
    assert y.isnan().any()
    assert {int(bits) for bits in y[y.isnan()].view(torch.int32)} == {0x7FC00000}


@pytest.mark.parametrize(
    ("name", "w_shape", "arguments", "message"),
    [
        ("winograd", (4, 4, 5, 5), {}, r"winograd takes 3x3 kernels with stride 1 and dilation 1"),
        (
            "winograd_4x4",
            (4, 4, 3, 3),
            {"stride": 2},
            r"winograd_4x4 takes .*, not 3x3.*stride \(2, 2\)",
        ),
        ("fft", (4, 4, 3, 3), {"dilation": (1, 2)}, r"fft takes kernels of more than one pixel"),
        ("fft_gauss", (4, 4, 1, 1), {}, r"fft_gauss takes kernels of more than one pixel"),
        ("strassen", (4, 1, 3, 3), {"groups": 4}, r"strassen takes at least two inputs"),
        ("toom", (4, 4, 3, 3), {}, r"algorithm must be one of direct, winograd, .*, not 'toom'"),
    ],
)
def test_what_an_algorithm_cannot_do_is_named(name, w_shape, arguments, message):
    x, w = torch.zeros(1, 4, 9, 9), torch.zeros(w_shape)
    with pytest.raises(ValueError, match=message):
        ops.float_conv2d(x, w, FP32, algorithm=name, **arguments)
    with pytest.raises(ValueError, match=message):
        ops.conv2d(x.short(), w.short(), MBM16S, algorithm=name, **arguments)


@pytest.mark.parametrize(
    ("name", "spec", "message"),
    [
        ("fft", MBM16S, r"fft takes float specs: its transforms are not integers"),
        ("winograd", MBM(16), r"winograd takes signed specs"),
        (
            "winograd_4x4",
            MBM(7, signed=True),
            r"enlarges codes up to 100 and 49 times",
        ),
    ],
)
def test_specs_that_an_algorithm_cannot_use_are_refused(name, spec, message):
    x, w = (
        torch.zeros(shape, dtype=ops.code_dtype(spec)) for shape in ((1, 4, 9, 9), (4, 4, 3, 3))
    )
    with pytest.raises(ValueError, match=message):
        ops.conv2d(x, w, spec, algorithm=name)


@pytest.mark.parametrize("name", INTEGER)
def test_codes_that_would_leave_the_operands_are_refused(name):
    limits = largest_codes(find_algorithm(name), CONV3X3, spec_values(MBM8S))
    assert limits == {"winograd": (31, 14), "winograd_4x4": (1, 2), "strassen": (63, 63)}[name]
    x = torch.full((1, 4, 9, 9), limits[0], dtype=torch.int8)
    w = torch.full((4, 4, 3, 3), -limits[1], dtype=torch.int8)
    ops.conv2d(x, w, MBM8S, algorithm=name)
    with pytest.raises(
        ValueError, match=rf"x_codes must be -{limits[0]} to {limits[0]} for {name}"
    ):
        ops.conv2d(x + 1, w, MBM8S, algorithm=name)
    with pytest.raises(
        ValueError, match=rf"w_codes must be -{limits[1]} to {limits[1]} for {name}"
    ):
        ops.conv2d(x, w - 1, MBM8S, algorithm=name)


def test_more_terms_than_are_exact_are_refused():
    x, w = (torch.zeros(shape, dtype=torch.int16) for shape in ((1, 1821, 3, 3), (1, 1821, 3, 3)))
    with pytest.raises(ValueError, match=r"winograd_4x4 sums at most 1820 products of a signed 16"):
        ops.conv2d(x, w, MBM16S, algorithm="winograd_4x4")
