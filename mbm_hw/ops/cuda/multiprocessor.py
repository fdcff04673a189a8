"""What a multiprocessor can do in a clock, and what of it products on tensor cores take.

Rates are derived, not measured. Ref: NVIDIA A100 and H100 whitepapers (products a clock, shared
memory); W. Luo et al., arXiv 2402.13499, 2024 (mma.sync reaches 0.63 of Hopper's peak, which takes
wgmma). mma.sync on sm_100 is taken to be no faster than on sm_80: an assumption.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MMA_ROWS, MMA_COLUMNS, MMA_DEPTH = 16, 8, 32
MMA_PRODUCTS = MMA_ROWS * MMA_COLUMNS * MMA_DEPTH
SCHEDULERS = 4


@dataclass(frozen=True)
class Multiprocessor:
    """lanes : instructions of one thread a clock; doubles : those on doubles.

    int8_products : by mma.sync, a clock. shared_bytes : of a block, at most.
    """

    lanes: int
    doubles: int
    int8_products: float
    shared_bytes: int


_INT8_PRODUCTS = {(8, 0): 2048, (9, 0): 0.63 * 4096, (10, 0): 2048}
_INT8_PRODUCTS_OF_OTHERS = 1024
_DOUBLES = {(7, 0): 32, (8, 0): 32, (9, 0): 64, (10, 0): 64}
_DOUBLES_OF_OTHERS = 2
"""Ref: CUDA C++ Programming Guide, Arithmetic Instructions: cards for graphics have few."""


def multiprocessor(capability: tuple[int, int], shared_bytes: int) -> Multiprocessor:
    """Return the multiprocessor of a compute capability; without int8 mma's below 8.0."""
    rate = _INT8_PRODUCTS.get(capability, _INT8_PRODUCTS_OF_OTHERS)
    doubles = _DOUBLES.get(capability, _DOUBLES_OF_OTHERS)
    return Multiprocessor(128, doubles, rate if capability >= (8, 0) else 0, shared_bytes)


@dataclass(frozen=True)
class TensorTile:
    """warps_down x warps_across warps to a block, down x across mma's to each of them."""

    warps_down: int
    warps_across: int
    down: int
    across: int
    depth: int = 32

    @property
    def rows(self) -> int:
        return self.warps_down * self.down * MMA_ROWS

    @property
    def columns(self) -> int:
        return self.warps_across * self.across * MMA_COLUMNS

    @property
    def threads(self) -> int:
        return 32 * self.warps_down * self.warps_across

    def panel_bytes(self, x_bytes: int = 1, w_bytes: int = 1) -> int:
        """Return the shared memory of two panels of codes, whose rows are padded."""
        return 2 * (self.rows * w_bytes + self.columns * x_bytes) * (self.depth + 4)

    @property
    def macros(self) -> tuple[tuple[str, str], ...]:
        numbers = (self.warps_down, self.warps_across, self.down, self.across)
        return (("MBM_HW_TILE", ", ".join(map(str, numbers))),)

    def grid(self, positions: int, outputs: int, groups: int) -> tuple[int, int, int]:
        return -(-positions // self.columns), -(-outputs // self.rows), groups


TENSOR_TILES = (TensorTile(2, 4, 4, 8), TensorTile(2, 2, 2, 4), TensorTile(1, 4, 1, 8))
"""Large, medium, and flat for few outputs."""


def tensor_rate(device: Multiprocessor, blocks: Sequence[int], tile: TensorTile) -> float:
    """Return the products a clock that tensor cores make of blocks of factors; 0 without any.

    blocks : how many of a product's factors each has.
    """
    if device.int8_products == 0:
        return 0.0
    clocks = sum(block * mma_clocks(device, block, tile) for block in blocks)
    return SCHEDULERS * MMA_PRODUCTS / clocks


def mma_clocks(device: Multiprocessor, block: int, tile: TensorTile) -> float:
    """Return the clocks of a scheduler's mma: its own, or those of what feeds it, if they are more.

    Each word of its fragments is looked up by three instructions, one of which is a load.
    """
    words, code_words = mma_loads(block, tile)
    issue = 1 + 3 * words + code_words
    shared = SCHEDULERS * (words + code_words)
    return max(MMA_PRODUCTS * SCHEDULERS / device.int8_products, issue, shared)


def mma_loads(block: int, tile: TensorTile) -> tuple[float, float]:
    """Return the words of shared memory that a thread loads to an mma: of factors, and of codes.

    Fragments serve the warp's whole tile. There are two words to a row's MMA_DEPTH / block codes,
    which come four to a word.
    """
    words = (4 * tile.down + 2 * tile.across) / (tile.down * tile.across)
    return words, words / 2 * MMA_DEPTH / block / 4


def bank_conflicts(words: np.ndarray) -> float:
    """Return the mean clocks of shared memory that loads of one word to each lane take.

    words : integers [loads, 32], the words' numbers. Different words of one of the 32 banks follow
    one after another; one word is read once for all lanes.
    """
    clocks = []
    for load in words:
        distinct = np.unique(load)
        clocks.append(np.bincount(distinct % 32).max())
    return float(np.mean(clocks))
