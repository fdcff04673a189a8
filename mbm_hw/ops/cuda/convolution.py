"""Launching the convolution's kernel: the sums of products of any kind."""

import functools

import numpy as np
import torch
from torch import Tensor

from mbm_hw.ops.cuda import launcher
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.products import Products

MAX_COUNT = 2**31 - 2**10
"""Positions and terms are 32-bit numbers in kernels, which count on to the end of a tile."""
MAX_BLOCKS = 2**16 - 1
"""Groups, and tiles of outputs: of a grid's second and third dimension."""
MAX_PADDED = 2**29
"""Pixels of a padded row or column: a window that lies outside begins at -2**30."""


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
    tile = products.tile(positions, outputs, groups, multiprocessors(x.device))
    grid = tile.grid(positions, outputs, groups)
    padded = max(size + 2 * pixels for size, pixels in zip(x.shape[2:], padding, strict=True))
    for name, number, most in (
        ("positions", positions, MAX_COUNT),
        ("terms", w[0].numel(), MAX_COUNT),
        ("tiles of outputs", grid[1], MAX_BLOCKS),
        ("groups", groups, MAX_BLOCKS),
        ("pixels to a padded side", padded, MAX_PADDED),
    ):
        if number > most:
            raise ValueError(f"a CUDA kernel takes at most {most} {name}, not {number}")
    variant = Variant(products.variant.source, products.variant.macros + tile.macros)
    launcher.launch(
        variant,
        x.device,
        grid,
        tile.threads,
        products.block_bytes(tile),
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
