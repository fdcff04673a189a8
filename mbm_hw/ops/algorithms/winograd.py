"""Winograd's minimal filtering, F(m, 3): m outputs of a 3-tap filter by m + 2 products.

Ref: S. Winograd, "Arithmetic Complexity of Computations", SIAM, 1980.
Ref: A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016: the
matrices B^T, G and A^T of section 4.
"""

import functools
import math
from fractions import Fraction

import torch

from mbm_hw.ops.algorithms.bilinear import Bilinear


def minimal_filtering(input, weight, output) -> Bilinear:
    """Return the algorithm of the published matrices B^T, G and A^T, rows of rationals.

    Each row of G is multiplied by its common denominator, so that codes stay codes; the output
    transform takes that back, but for one common denominator.
    """
    scales = [math.lcm(*(Fraction(entry).denominator for entry in row)) for row in weight]
    denominator = math.lcm(*scales)
    weight = [[int(entry * s) for entry in row] for row, s in zip(weight, scales, strict=True)]
    output = [[e * denominator // s for e, s in zip(row, scales, strict=True)] for row in output]
    matrices = (torch.tensor(rows, dtype=torch.float64) for rows in (input, weight, output))
    return Bilinear(*matrices, denominator)


_HALF, _SIXTH, _12TH, _24TH = (Fraction(1, n) for n in (2, 6, 12, 24))
FILTERS = {
    2: minimal_filtering(
        input=[[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        weight=[[1, 0, 0], [_HALF, _HALF, _HALF], [_HALF, -_HALF, _HALF], [0, 0, 1]],
        output=[[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: minimal_filtering(
        input=[
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        weight=[
            [Fraction(1, 4), 0, 0],
            [-_SIXTH, -_SIXTH, -_SIXTH],
            [-_SIXTH, _SIXTH, -_SIXTH],
            [_24TH, _12TH, _SIXTH],
            [_24TH, -_12TH, _SIXTH],
            [0, 0, 1],
        ],
        output=[[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}
"""Outputs m -> F(m, 3)."""


@functools.cache
def winograd(outputs: int) -> Bilinear:
    """Return F(m x m, 3x3), m = `outputs` 2 or 4: input tiles of (m + 2)**2 values, flattened."""
    return FILTERS[outputs].along_both(FILTERS[outputs])
