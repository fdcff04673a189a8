"""Launching the convolution's kernel: the sums of products of any kind."""

import functools

import numpy as np
import torch
from torch import Tensor

from mbm_hw.ops.cuda import launcher
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.products import Products

MAX_POSITIONS = 2**31 - 1  # positions, and terms, are 32-bit numbers in the kernels


def run_conv2d(
    x: Tensor,
    w: Tensor,
    out: Tensor,
    products: Products,
    table: Tensor | None,
    stride,
    padding,
    dilation,
    groups: int,
):
    """Write the sums of a convolution to `out`, on the current stream.

    x, w, out : 4-D tensors of one device whose dtypes and shapes have been checked, any strides.
    table : what `products.table` gives.
    """
    if out.numel() == 0:
        return
    if w[0].numel() == 0:
        out.zero_()
        return
    positions, outputs = out[:, 0].numel(), w.shape[0] // groups
    if positions > MAX_POSITIONS:
        raise ValueError(f"a CUDA kernel takes at most {MAX_POSITIONS} positions, not {positions}")
    tile = products.tile(positions, outputs, groups, multiprocessors(x.device))
    variant = Variant(products.variant.source, products.variant.macros + tile.macros)
    launcher.launch(
        variant,
        x.device,
        tile.grid(positions, outputs, groups),
        tile.threads,
        products.shared_bytes + tile.shared_bytes,
        (x, w.contiguous(), out, table, *_geometry(x, w, out, stride, padding, dilation, groups)),
    )


def _geometry(x, w, out, stride, padding, dilation, groups):
    """Return the arguments that kernels/geometry.h calls MBM_HW_GEOMETRY_PARAMETERS."""
    _, channels, *kernel = w.shape
    area = kernel[0] * kernel[1]
    numbers = [channels, *x.shape[2:], w.shape[0] // groups, out[:, 0].numel(), *out.shape[2:]]
    numbers += [area, *divisor(area), kernel[1], *divisor(kernel[1])]
    numbers += [*stride, *padding, *dilation]
    strides = (np.int64(number) for number in (*x.stride(), *out.stride()))
    return *(np.int32(number) for number in numbers), *strides


def divisor(number: int) -> tuple[int, int]:
    """Return multiplier, as int32, and shift: (high 32 bits of n * multiplier + n) >> shift is
    n // number for n below 2**31.
    """
    shift = (number - 1).bit_length()
    multiplier = ((1 << 32) * ((1 << shift) - number)) // number + 1
    return int(np.uint32(multiplier).view(np.int32)), shift


@functools.cache
def multiprocessors(device: torch.device) -> int:
    return torch.cuda.get_device_properties(device).multi_processor_count


@functools.cache
def shared_limit(device: torch.device) -> int:
    """Return the shared memory that one block may have, in bytes."""
    return torch.cuda.get_device_properties(device).shared_memory_per_block_optin


@functools.cache
def capability(device: torch.device) -> tuple[int, int]:
    return torch.cuda.get_device_capability(device)
