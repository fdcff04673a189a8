"""Sums of approximate products on tensor cores: when, and with what factors.

kernels/tensor.cu multiplies a spec's int8 factors (factorization.py), which it looks up on
chip, by mma.sync: a product takes as many int8 products as there are terms, rounded up to blocks.
MBM without truncation takes many terms, but what it has over Mitchell's product takes few: those
are added to sums of Mitchell's products.

Not on CPUs: AVX-512's vpdpbusd makes 64 int8 products, so 64 products take as many instructions as
there are terms, 18 for MBM-8 of t = 4, and byte_table_kernel.cpp takes 8 to 13 for any table.
"""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mbm_hw.multipliers import Mitchell
from mbm_hw.multipliers.lowering import LogProducts
from mbm_hw.ops.codes import code_dtype, sum_dtype
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.factorization import Factorization, factorize
from mbm_hw.ops.cuda.multiprocessor import (
    TENSOR_TILES,
    Multiprocessor,
    TensorTile,
    tensor_rate,
)
from mbm_hw.ops.cuda.products import C_TYPES, Products, integer_products, log_products
from mbm_hw.ops.operands import refuse_capture
from mbm_hw.ops.spec_values import SpecValues, spec_of, values_of

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

    def table(self, spec: SpecValues, device: torch.device, swapped: bool = False) -> Tensor:
        """Return the packed factors, int32: of x, then of w. The products commute."""
        return _packed(spec, self.factorization.base, self.blocks, device)

    def tile(self, positions: int, outputs: int, groups: int, multiprocessors: int) -> TensorTile:
        large, medium, flat = TENSOR_TILES
        if outputs <= flat.rows:
            return flat
        across, down, _ = large.grid(positions, outputs, groups)
        return large if across * down * groups >= multiprocessors else medium

    def rate(self, device: Multiprocessor, tile: TensorTile) -> float:
        return tensor_rate(device, self.blocks, tile)


def fastest_products(
    spec: SpecValues,
    terms: int,
    sizes: tuple[int, int, int],
    device: Multiprocessor,
    multiprocessors: int,
) -> tuple[Products, ...]:
    """Return the kernels whose sums add up to the spec's and should be the fastest: derived.

    terms : of a sum. sizes : positions, outputs of a group, groups.
    """
    choices = [(integer_products(spec, device.shared_bytes),)]
    if choices[0][0].doubles:  # which may be slow
        choices.append((log_products(spec),))
        choices = [parts for parts in choices if terms <= parts[0].max_terms]
    if whole := tensor_products(spec, terms, device):
        choices.append((whole,))
    base = _mitchell_of(spec)
    if base is not None and (rest := tensor_products(spec, terms, device, base)):
        choices.append((integer_products(values_of(base), device.shared_bytes), rest))

    def clocks(parts):
        return sum(clocks_of(products, sizes, device, multiprocessors) for products in parts)

    return min(choices, key=clocks)


def clocks_of(
    products: Products, sizes: tuple[int, int, int], device: Multiprocessor, multiprocessors: int
) -> float:
    """Return the clocks that a kernel should take to add a product to every sum: derived."""
    tile = products.tile(*sizes, multiprocessors)
    blocks = math.prod(tile.grid(*sizes))
    in_blocks = blocks * tile.rows * tile.columns
    return in_blocks / products.rate(device, tile) / min(blocks, multiprocessors)


def _mitchell_of(spec) -> Mitchell | None:
    """Return the base of a correction that depends on the characteristics alone, or None."""
    lowering = None if spec.table is not None else spec_of(spec).lowering()
    if type(lowering) is not LogProducts or lowering.truncation:
        return None
    without_carry, with_carry = lowering.corrections
    is_rank_one = without_carry == 2 * with_carry > 0
    return Mitchell(spec.width, 0, spec.signed) if is_rank_one else None


def tensor_products(
    spec: SpecValues, terms: int, device: Multiprocessor, base: Mitchell | None = None
) -> TensorProducts | None:
    """Return how tensor cores sum up so many of the spec's products, or None where they cannot.

    base : what has summed up its products before; they are added to.
    """
    if device.int8_products == 0 or spec.width > MAX_WIDTH or spec.table is not None:
        return None
    found = _factorization(spec, base)
    if found is None or terms > found.max_terms:
        return None
    line_bytes = 2 * (LINE_BYTES << spec.width)
    room = device.shared_bytes - max(tile.panel_bytes() for tile in TENSOR_TILES)
    blocks = block_widths(found.cost, min(room // line_bytes, MAX_BLOCKS))
    if blocks is None:
        return None
    macros = {
        "CODE": C_TYPES[code_dtype(spec)],
        "SUM": C_TYPES[sum_dtype(spec)],
        "WIDTH": spec.width,
        "FACTORS": ", ".join(map(str, blocks)),
        "SCALE": found.scale,
        "ADDS": int(base is not None),
    }
    variant = Variant("tensor.cu", tuple((f"MBM_HW_{k}", str(v)) for k, v in macros.items()))
    name = f"tensor cores, {found.cost} int8 products"
    memory = {"shared_bytes": line_bytes * len(blocks), "operand_bytes": (1, 1)}
    return TensorProducts(variant, name, **memory, factorization=found, blocks=blocks)


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
def _factorization(spec: SpecValues, base: Mitchell | None) -> Factorization | None:
    """Return a factorisation of the spec that the kernel takes: all terms in one accumulator."""
    multiplier = spec_of(spec)
    if type(multiplier.lowering()) is not LogProducts:
        return None
    found = factorize(multiplier, base)
    repeats = [1 << shift for shift in found.shifts]
    if sum(repeats) > MAX_FACTORS:
        return None
    u, v = (np.repeat(factors, repeats, axis=0) for factors in (found.u, found.v))
    return Factorization(multiplier, u, v, (0,) * len(u), found.scale, base)


@functools.cache
def _packed(
    spec: SpecValues, base: Mitchell | None, blocks: tuple[int, ...], device: torch.device
) -> Tensor:
    refuse_capture(spec)
    found, sides = _factorization(spec, base), []
    for factors in (found.u, found.v):
        padded = np.zeros((sum(blocks), factors.shape[1]), np.int8)
        padded[: found.cost] = factors
        for block in np.split(padded, np.cumsum(blocks)[:-1]):
            sides.append(np.ascontiguousarray(block.T).reshape(-1))
    return torch.from_numpy(np.concatenate(sides).view(np.int32)).to(device)
