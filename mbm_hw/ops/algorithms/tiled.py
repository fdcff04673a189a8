"""Algorithms on overlapping tiles of the image: Winograd's and the Fourier transform's."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mbm_hw.ops.algorithms.algorithm import Algorithm, Layer, Transforms

BLOCK_BYTES = 1 << 25
"""Of transformed tiles at a time, at least one row of tiles."""


@dataclass(frozen=True)
class Tiled(Algorithm):
    """A bilinear algorithm of m x m' outputs of a stride-1 convolution, tile by tile.

    A tile of (m + kH - 1) x (m' + kW - 1) inputs, from all channels, is transformed. For each of
    the transform's points, the sums over a group's channels are a matrix product. Tiles that stick
    out of the padded image are filled with zeros, and count in full.

    kernels : which kernels it takes. outputs : of a kernel, (m, m').
    """

    name: str
    takes: str
    kernels: Callable[[tuple[int, int]], bool]
    outputs: Callable[[tuple[int, int]], tuple[int, int]]
    transforms: Transforms
    is_integer: bool

    def is_for(self, layer):
        return self.kernels(layer.kernel) and {*layer.stride, *layer.dilation} == {1}

    def terms(self, layer):
        return layer.inputs

    def multiplications(self, layer, rows, columns):
        tiles = math.prod(self._tiles(layer, (rows, columns)))
        return tiles * self.bilinear(layer).rank * layer.inputs * layer.outputs

    def sums(self, x, w, layer, products):
        bilinear, (rows, columns) = self.bilinear(layer).on(x.device), self.outputs(layer.kernel)
        height, width = layer.output_size(*x.shape[2:])
        tiles = self._tiles(layer, (height, width))
        patches = self._patches(x, layer, tiles)
        weight = bilinear.weight @ w.double().flatten(0, 1).flatten(1).T
        weight = weight.reshape(-1, layer.inputs, 1, 1)  # [P * O, C / groups, 1, 1]
        y = x.new_empty(
            (len(x), layer.outputs, tiles[0] * rows, tiles[1] * columns), dtype=torch.float64
        )
        size = 8 * bilinear.rank * x.shape[1] * tiles[1]
        step = max(1, BLOCK_BYTES // size)
        for image in range(len(x)):
            for top in range(0, tiles[0], step):
                part = patches[image, :, top : top + step]  # [C, tile rows, tile columns, T, T']
                flat = part.double().flatten(3).flatten(0, 2)
                points = bilinear.input @ flat.T  # [P, C * tiles]
                points = points.reshape(1, bilinear.rank * x.shape[1], 1, -1)
                sums = products(points, weight, (1, 1), (1, 1), bilinear.rank * layer.groups)
                sums = bilinear.output @ sums.double().reshape(bilinear.rank, -1)
                sums = sums.reshape(rows, columns, layer.outputs, -1, tiles[1])
                block = sums.permute(2, 3, 0, 4, 1).flatten(3).flatten(1, 2)
                y[image, :, top * rows : top * rows + block.shape[1]] = block
        return y[:, :, :height, :width]

    def _tiles(self, layer: Layer, size: tuple[int, int]) -> tuple[int, int]:
        """Return how many tiles an output of that size takes, down and across."""
        return tuple(-(-n // m) for n, m in zip(size, self.outputs(layer.kernel), strict=True))

    def _patches(self, x: Tensor, layer: Layer, tiles: tuple[int, int]) -> Tensor:
        """Return the image's tiles, a view: [N, C, tile rows, tile columns, T, T']."""
        outputs, kernel = self.outputs(layer.kernel), layer.kernel
        below, right = (
            tiles[axis] * outputs[axis] + kernel[axis] - 1 - x.shape[2 + axis] for axis in (0, 1)
        )
        patches = functional.pad(x, (0, right, 0, below))
        for axis in (0, 1):
            patches = patches.unfold(2 + axis, outputs[axis] + kernel[axis] - 1, outputs[axis])
        return patches
