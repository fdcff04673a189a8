"""Strassen's algorithm on a convolution as a matrix product, without its matrix of patches."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from mbm_hw.ops.algorithms.algorithm import Algorithm, Transforms
from mbm_hw.ops.algorithms.strassen import STRASSEN


@dataclass(frozen=True)
class Strassen(Algorithm):
    """One level of Strassen's algorithm, on [positions, terms] x [terms, outputs] of each group.

    The positions' halves are the upper and the lower rows of an image's output, those of the terms
    the first and the last channels of the group, those of the outputs its first and last outputs;
    an odd number is made even by zeros, that count in full. So each of the seven products is again
    a convolution, of a sum of parts of the image with a sum of parts of the weights. Images are
    never paired with each other.
    """

    name: str = "strassen"
    takes: str = "at least two inputs and two outputs a group"
    transforms: Transforms = lambda kernel: STRASSEN
    is_integer: bool = True

    def is_for(self, layer):
        return layer.inputs > 1 and layer.outputs > layer.groups

    def terms(self, layer):
        return -(-layer.inputs // 2) * layer.kernel[0] * layer.kernel[1]

    def multiplications(self, layer, rows, columns):
        outputs = layer.groups * -(-layer.outputs // layer.groups // 2)
        positions = -(-rows // 2) * columns
        return self.bilinear(layer).rank * positions * outputs * self.terms(layer)

    def sums(self, x, w, layer, products):
        bilinear, groups = self.bilinear(layer).on(x.device), layer.groups
        height, width = layer.output_size(*x.shape[2:])
        weight = self._weights(w, layer)
        y = x.new_empty((len(x), layer.outputs, height, width), dtype=torch.float64)
        for out, image in zip(y, x, strict=True):
            quarters = self._quarters(image, layer, -(-height // 2))
            shape = quarters.shape[4:]
            points = bilinear.input @ quarters.double().reshape(4, -1)
            points = points.reshape(1, -1, *shape)
            sums = products(points, weight, layer.stride, layer.dilation, bilinear.rank * groups)
            blocks = bilinear.output @ sums.double().reshape(bilinear.rank, -1)
            blocks = blocks.reshape(2, 2, groups, -1, *sums.shape[2:])  # [row half, output half,
            blocks = blocks.permute(2, 1, 3, 0, 4, 5).flatten(1, 2).flatten(2, 3)
            out[:] = blocks[:, : layer.outputs // groups, :height].flatten(0, 1)
        return y

    def _weights(self, w, layer):
        """Return the seven sums of quarters of the weights, [7 * O', C', kH, kW]."""
        kernel = layer.kernel
        w = w.double().reshape(layer.groups, -1, layer.inputs, *kernel)
        w = functional.pad(w, (0, 0, 0, 0, 0, w.shape[2] % 2, 0, w.shape[1] % 2))
        w = w.reshape(layer.groups, 2, w.shape[1] // 2, 2, w.shape[2] // 2, *kernel)
        quarters = w.permute(3, 1, 0, 2, 4, 5, 6)  # [terms' half, outputs' half, groups, ...]
        points = self.bilinear(layer).on(w.device).weight @ quarters.reshape(4, -1)
        return points.reshape(-1, w.shape[4], *kernel)

    def _quarters(self, image, layer, rows):
        """Return an image's quarters, [row half, channel half, groups, C', H', W]; rows: of a half
        of the output."""
        step = rows * layer.stride[0]
        size = (rows - 1) * layer.stride[0] + layer.dilation[0] * (layer.kernel[0] - 1) + 1
        below = max(0, step + size - image.shape[1])
        image = image.reshape(layer.groups, layer.inputs, *image.shape[1:])
        image = functional.pad(image, (0, 0, 0, below, 0, layer.inputs % 2))
        image = image.reshape(layer.groups, 2, -1, *image.shape[2:])
        halves = (image[:, :, :, start : start + size] for start in (0, step))
        return torch.stack(list(halves)).transpose(1, 2)
