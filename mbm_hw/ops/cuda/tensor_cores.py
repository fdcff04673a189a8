"""Sums of approximate products on tensor cores: when, and with what factors.

kernels/tensor.cu multiplies a spec's int8 factors (mbm_hw/factorization.py), which it looks up on
chip, by mma.sync: a product takes as many int8 products as there are terms, rounded up to blocks.
"""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mbm_hw.factorization import Factorization, factorize
from mbm_hw.ops.codes import SpecValues, code_dtype, spec_of, sum_dtype
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.multiprocessor import TENSOR_TILES, Multiprocessor, TensorTile
from mbm_hw.ops.cuda.products import C_TYPES, Products
from mbm_hw.spec import LogSpec

MAX_WIDTH = 8
"""Codes are bytes, and there is a line of factors in shared memory for each of them."""
LINE_BYTES = 128
BLOCK_WIDTHS = (32, 16, 8, 4)


@dataclass(frozen=True)
class TensorProducts(Products):
    """The policy of kernels/tensor.cu.

    factorization : single-accumulator. blocks : widths of the blocks of factors, descending.
    """

    factorization: Factorization | None = None
    blocks: tuple[int, ...] = ()
    swapped: bool = False

    def table(self, spec: SpecValues, device: torch.device) -> Tensor:
        """Return the packed factors, int32: of what the kernel calls x, then of its w."""
        return _packed(self.factorization.spec, self.blocks, self.swapped).to(device)

    def tile(self, positions: int, outputs: int, groups: int, multiprocessors: int) -> TensorTile:
        large, medium, flat = TENSOR_TILES
        if outputs <= flat.rows:
            return flat
        across, down, _ = large.grid(positions, outputs, groups)
        return large if across * down * groups >= multiprocessors else medium


def tensor_products(
    spec: SpecValues, terms: int, device: Multiprocessor, swapped: bool = False
) -> TensorProducts | None:
    """Return how tensor cores sum up so many of the spec's products, or None where they cannot.

    swapped : the kernel's w is the product's first operand.
    """
    found = _factorization(spec)
    if found is None or device.int8_products == 0:
        return None
    # Sums that need no scaling may wrap on their way, if they fit in the end: ops sees to that.
    wraps = found.scale == 0 and sum_dtype(spec) == torch.int32
    if not wraps and terms > found.max_terms:
        return None
    line_bytes = 2 * (LINE_BYTES << spec.width)
    room = device.shared_bytes - max(tile.shared_bytes for tile in TENSOR_TILES)
    blocks = block_widths(found.cost, room // line_bytes)
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
        variant, name, line_bytes * len(blocks), factorization=found, blocks=blocks, swapped=swapped
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
    """Return the spec's factorisation, if it is of a kind that the kernel takes."""
    if spec.width > MAX_WIDTH or spec.table is not None:
        return None
    multiplier = spec_of(spec)
    if not isinstance(multiplier, LogSpec):
        return None
    found = factorize(multiplier)
    return found if set(found.shifts) == {0} else None


@functools.cache
def _packed(multiplier, blocks, swapped) -> Tensor:
    found = factorize(multiplier)
    sides = []
    for factors in (found.v, found.u) if swapped else (found.u, found.v):
        padded = np.zeros((sum(blocks), factors.shape[1]), np.int8)
        padded[: found.cost] = factors
        first = 0
        for width in blocks:
            sides.append(np.ascontiguousarray(padded[first : first + width].T).reshape(-1))
            first += width
    return torch.from_numpy(np.concatenate(sides).view(np.int32))
