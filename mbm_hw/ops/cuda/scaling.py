"""Launching the kernels between float32 and codes, sums, and a format's values."""

import numpy as np
import torch
from torch import Tensor

from mbm_hw.multipliers import FloatSpec
from mbm_hw.ops.cuda import launcher
from mbm_hw.ops.cuda.compiler import Variant

_SCALING = Variant("scaling.cu")
_THREADS, _MAX_BLOCKS = 256, 65_535
_TYPES = {torch.int8: "int8", torch.int16: "int16", torch.int32: "int32", torch.int64: "int64"}


def run_quantize(x: Tensor, scale: Tensor, multiply: bool, limit: int, codes: Tensor):
    """Write the codes of `x`; `x` and `codes` dense and alike in memory, scale [1 or rows]."""
    if x.numel():
        rows = scale.numel()
        sizes = np.int64(rows), np.int64(x.numel() // rows)
        arguments = (x, scale, codes, *sizes, np.int32(multiply), np.int32(limit))
        _launch(_SCALING, f"quantize_{_TYPES[codes.dtype]}", x, sizes, arguments)


def run_rescale(sums: Tensor, scale: Tensor, bias: Tensor | None, y: Tensor):
    """Write sums * scale + bias to `y`; all contiguous, sums and y [N, C, ...]."""
    if y.numel():
        by_column = y[0, 0].numel() == 1
        channels = y.shape[1]
        rows = len(y) if by_column else len(y) * channels
        sizes = np.int64(rows), np.int64(y.numel() // rows)
        arguments = (sums, scale, bias, y, *sizes, np.int32(channels), np.int32(by_column))
        _launch(_SCALING, f"rescale_{_TYPES[sums.dtype]}", y, sizes, arguments)


def run_carry_nan(y: Tensor, x: Tensor, kernel, stride, padding, dilation, groups: int):
    """Write NaN to `y`, contiguous, where a sum meets one of `x`; any strides of `x`.

    The second kernel ends at once if the first has found no NaN: nothing waits, and `x` is read
    once.
    """
    if y.numel() and x.numel():
        found = torch.zeros(1, dtype=torch.int32, device=x.device)
        is_dense = x.is_contiguous() or x.is_contiguous(memory_format=torch.channels_last)
        dense = x if is_dense else x.contiguous()
        count = np.int64(x.numel())
        _launch(_SCALING, "find_nan", x, (1, count), (dense, found, count))
        positions = y[:, 0].numel() * groups
        numbers = positions, groups, y.shape[1] // groups, *y.shape[2:], x.shape[1] // groups
        numbers += (*x.shape[2:], *kernel, *stride, *padding, *dilation, *x.stride())
        arguments = (found, x, y, *map(np.int64, numbers))
        _launch(_SCALING, "carry_nan", x, (1, positions), arguments)


def run_round_to_format(x: Tensor, rounded: Tensor, exponent_bits: int, mantissa_bits: int):
    """Write `x` rounded to a format to `rounded`, both float32, contiguous, of the same shape."""
    if x.numel():
        count = np.int64(x.numel())
        variant = format_variant(exponent_bits, mantissa_bits)
        _launch(variant, "round_to_format", x, (1, count), (x, rounded, count))


def value_outside_format(x: Tensor, spec: FloatSpec) -> float | None:
    """Return a value of `x`, float32, that the spec's format has not, or None. Waits for `x`."""
    bits = spec.exponent_bits, spec.mantissa_bits
    if x.numel() == 0 or bits == (8, 23):
        return None
    x, count = x.contiguous(), np.int64(x.numel())
    found = torch.full((1,), x.numel(), dtype=torch.int64, device=x.device)
    variant = format_variant(*bits)
    _launch(variant, "find_outside", x, (1, count), (x, found, count))
    index = int(found)
    return None if index == x.numel() else float(x.view(-1)[index])


def format_variant(exponent_bits: int, mantissa_bits: int) -> Variant:
    macros = ("MBM_HW_EXPONENT_BITS", exponent_bits), ("MBM_HW_MANTISSA_BITS", mantissa_bits)
    return Variant("format.cu", tuple((name, str(bits)) for name, bits in macros))


def _launch(variant, name, tensor, sizes, arguments):
    rows, row_size = (int(size) for size in sizes)
    across = min(-(-row_size // _THREADS), _MAX_BLOCKS)
    grid = (across, min(rows, _MAX_BLOCKS), 1)
    launcher.launch(variant, tensor.device, grid, _THREADS, 0, arguments, name)
