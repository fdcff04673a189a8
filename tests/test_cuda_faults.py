"""Faults planted in CUDA kernels, and caught where these run on the CPU."""

import pytest
import torch
from codes import ODD_TABLE, random_codes
from emulated_convolutions import (
    FLOAT_CLASSES,
    FLOATS,
    MORE_FLOATS,
    check_conv2d,
    layer_values,
    random_operand,
)
from emulated_cuda import emulated_sources

from mbm_hw import MBM, Mitchell


@pytest.mark.parametrize(
    ("file", "line", "instead"),
    [
        ("convolution.h", "    __syncthreads();\n    return true;", "    return true;"),
        ("convolution.h", "stored(codes, panel ^ 1);", "stored(codes, panel);"),
        ("geometry.h", "uint32_t(window.row + row) < uint32_t(g.height)", "true"),
        ("geometry.h", "uint32_t(window.column + column) < uint32_t(g.width)",
         "uint32_t(window.column + column) <= uint32_t(g.width)"),
        ("convolution.h", "if (row >= g_.outputs) continue;", ""),
        ("convolution.h", "if (position >= g_.positions) continue;", ""),
        ("convolution.h", "row < rows && term < depth", "term < depth"),
        ("convolution.h", "depth - k < Shape::kDepth ? depth - k", "depth - k < Shape::kDepth ? 0"),
        ("pattern.cu", "bits_of(float(code))", "bits_of(float(code < 0 ? -code : code))"),
        ("pattern.cu", "kFlushTerms = MBM_HW_FLUSH_TERMS", "kFlushTerms = 0"),
        ("pattern.cu", "kFlushTerms = MBM_HW_FLUSH_TERMS", "kFlushTerms = 4096"),
    ],
)  # fmt: skip
def test_a_fault_in_a_kernel_is_caught(file, line, instead):
    spec = Mitchell(8, signed=True)
    x = torch.full((1, 456, 5, 5), -127, dtype=torch.int8)
    x[:, ::2] = random_codes(spec, (1, 228, 5, 5))
    w = torch.full((33, 456, 3, 3), -125, dtype=torch.int8)
    w[:, ::2] = random_codes(spec, (33, 228, 3, 3), 1)
    x[:, 228:], w[:, 228:] = -127, -125  # sums that need the flush
    with (
        pytest.raises((RuntimeError, pytest.fail.Exception)),
        emulated_sources({file: (line, instead)}),
    ):
        check_conv2d(spec, x, w, ((1, 1), (1, 1), (1, 1), 1))


@pytest.mark.parametrize(
    ("spec", "file", "line", "instead"),
    [
        (MBM(12, signed=True), "wide_pattern.cu", "kCornerEnd = 5", "kCornerEnd = 4"),
        (MBM(12, truncation=2), "wide_pattern.cu", "return kOverflowKey;", "{}"),
        (MBM(10, 3, signed=True), "wide_pattern.cu", "if (carries(", "if (!carries("),
        (MBM(12, signed=True), "log_arithmetic.h", "? -magnitude", "? magnitude"),
        (MBM(16, signed=True), "wide_pattern.cu", "1.0 - 1.0 / (1ull << 40)", "1.0"),
        (
            MBM(16, signed=True),
            "wide_pattern.cu",
            "kSmallCharacteristic >= 0",
            "kSmallCharacteristic > 99",
        ),
        (MBM(16, 6, signed=True), "wide_pattern.cu", "kTruncates ? -1 : 0", "0"),
        (MORE_FLOATS[1], "float.cu", "(bits_of(constant) - 1)", "bits_of(constant)"),
        (FLOATS[0], "float.cu", "if (a < b) ", ""),
        (FLOATS[0], "float.cu", "return least < kFloatOne;", "return false;"),
        (FLOATS[1], "float.cu", "is_zero ? 0.0f : 1.0f", "1.0f"),
        (FLOATS[2], "float.cu", "if (bits_of(x) & 1u << 30) ", ""),
        (ODD_TABLE, "convolution.h", "k < count; ++k", "k <= count; ++k"),
    ],
    ids=lambda value: getattr(value, "identifier", None),
)
def test_a_fault_in_the_arithmetic_is_caught(spec, file, line, instead):
    random = layer_values if isinstance(spec, FLOAT_CLASSES) else random_operand
    x, w = random(spec, (1, 40, 9, 8), 1), random(spec, (34, 40, 3, 3), 2)
    with pytest.raises(pytest.fail.Exception), emulated_sources({file: (line, instead)}):
        check_conv2d(spec, x, w, ((1, 1), (1, 1), (1, 1), 1))
