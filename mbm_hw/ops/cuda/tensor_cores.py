"""Sums of approximate products on tensor cores: when, and with what factors.

kernels/tensor.cu multiplies a spec's int8 factors (mbm_hw/factorization.py), which it looks up on
chip, by mma.sync: a product takes as many int8 products as there are terms, rounded up to blocks.
"""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mbm_hw.factorization import Factorization, factorize
from mbm_hw.ops.codes import SpecValues, code_dtype, spec_of, sum_dtype
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.launcher import refuse_capture
from mbm_hw.ops.cuda.multiprocessor import (
    TENSOR_TILES,
    Multiprocessor,
    TensorTile,
    tensor_rate,
)
from mbm_hw.ops.cuda.products import C_TYPES, Products
from mbm_hw.spec import LogSpec

MAX_WIDTH = 8
"""Codes are bytes, and there is a line of factors in shared memory for each of them."""
MAX_FACTORS = 96
"""More of them to a product are slower than any other kernel."""
LINE_BYTES = 128
BLOCK_WIDTHS, MAX_BLOCKS = (32, 16, 8, 4), 3


@dataclass(frozen=True)
class TensorProducts(Products):
    """The policy of kernels/tensor.cu.

    factorization : of one accumulator. blocks : widths of the blocks of factors, descending.
    """

    factorization: Factorization | None = None
    blocks: tuple[int, ...] = ()

    def table(self, spec: SpecValues, device: torch.device) -> Tensor:
        """Return the packed factors, int32: of x, then of w."""
        return _packed(spec, self.blocks, device)

    def tile(self, positions: int, outputs: int, groups: int, multiprocessors: int) -> TensorTile:
        large, medium, flat = TENSOR_TILES
        if outputs <= flat.rows:
            return flat
        across, down, _ = large.grid(positions, outputs, groups)
        return large if across * down * groups >= multiprocessors else medium

    def rate(self, device: Multiprocessor, tile: TensorTile) -> float:
        return tensor_rate(device, sum(self.blocks), tile)


def fastest_products(
    direct: Products,
    spec: SpecValues,
    terms: int,
    sizes: tuple[int, int, int],
    device: Multiprocessor,
    multiprocessors: int,
) -> Products:
    """Return `direct`, or tensor cores' products where those should be faster, by derived rates.

    terms : of a sum. sizes : positions, outputs of a group, groups.
    """
    on_tensor_cores = tensor_products(spec, terms, device)
    if on_tensor_cores is None:
        return direct

    def rate(products):
        tile = products.tile(*sizes, multiprocessors)
        blocks = math.prod(tile.grid(*sizes))
        useful = math.prod(sizes) / (blocks * tile.rows * tile.columns)
        return products.rate(device, tile) * useful * min(blocks, multiprocessors)

    return max((direct, on_tensor_cores), key=rate)


def tensor_products(spec: SpecValues, terms: int, device: Multiprocessor) -> TensorProducts | None:
    """Return how tensor cores sum up so many of the spec's products, or None where they cannot."""
    if device.int8_products == 0 or spec.width > MAX_WIDTH or spec.table is not None:
        return None
    found = _factorization(spec)
    if found is None or terms > found.max_terms:
        return None
    line_bytes = 2 * (LINE_BYTES << spec.width)
    room = device.shared_bytes - max(tile.shared_bytes for tile in TENSOR_TILES)
    blocks = block_widths(found.cost, min(room // line_bytes, MAX_BLOCKS))
    if blocks is None:
        return None
    macros = {
        "CODE": C_TYPES[code_dtype(spec)],
        "SUM": C_TYPES[sum_dtype(spec)],
        "WIDTH": spec.width,
        "FACTORS": ", ".join(map(str, blocks)),
        "SCALE": found.scale,
    }
    variant = Variant("tensor.cu", tuple((f"MBM_HW_{k}", str(v)) for k, v in macros.items()))
    name = f"tensor cores, {found.cost} int8 products"
    return TensorProducts(
        variant, name, line_bytes * len(blocks), factorization=found, blocks=blocks
    )


@functools.cache
def block_widths(terms: int, most: int) -> tuple[int, ...] | None:
    """Return the narrowest blocks, at most so many, that hold so many terms; None if none do."""
    choices = (
        blocks
        for count in range(1, most + 1)
        for blocks in itertools.combinations_with_replacement(BLOCK_WIDTHS, count)
        if sum(blocks) >= terms
    )
    return min(choices, key=lambda blocks: (sum(blocks), len(blocks)), default=None)


@functools.cache
def _factorization(spec: SpecValues) -> Factorization | None:
    """Return a factorisation of the spec that the kernel takes: all terms in one accumulator."""
    multiplier = spec_of(spec)
    if not isinstance(multiplier, LogSpec):
        return None
    found = factorize(multiplier)
    repeats = [1 << shift for shift in found.shifts]
    if sum(repeats) > MAX_FACTORS:
        return None
    u, v = (np.repeat(factors, repeats, axis=0) for factors in (found.u, found.v))
    return Factorization(multiplier, u, v, (0,) * len(u), found.scale)


@functools.cache
def _packed(spec: SpecValues, blocks: tuple[int, ...], device: torch.device) -> Tensor:
    refuse_capture(spec)
    found, sides = _factorization(spec), []
    for factors in (found.u, found.v):
        padded = np.zeros((sum(blocks), factors.shape[1]), np.int8)
        padded[: found.cost] = factors
        for block in np.split(padded, np.cumsum(blocks)[:-1]):
            sides.append(np.ascontiguousarray(block.T).reshape(-1))
    return torch.from_numpy(np.concatenate(sides).view(np.int32)).to(device)
