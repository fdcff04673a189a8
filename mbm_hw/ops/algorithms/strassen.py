"""One level of Strassen's matrix product: 7 products of quarters for 8.

Ref: V. Strassen, "Gaussian Elimination is not Optimal", Numer. Math. 13, 1969.
"""

import torch

from mbm_hw.ops.algorithms.bilinear import Bilinear

STRASSEN = Bilinear(
    *(
        torch.tensor(rows, dtype=torch.float64)
        for rows in (
            # a11 a12 a21 a22, b11 b12 b21 b22 -> I ... VII
            [
                [1, 0, 0, 1],
                [0, 0, 1, 1],
                [1, 0, 0, 0],
                [0, 0, 0, 1],
                [1, 1, 0, 0],
                [-1, 0, 1, 0],
                [0, 1, 0, -1],
            ],
            [
                [1, 0, 0, 1],
                [1, 0, 0, 0],
                [0, 1, 0, -1],
                [-1, 0, 1, 0],
                [0, 0, 0, 1],
                [1, 1, 0, 0],
                [0, 0, 1, 1],
            ],
            # I ... VII -> c11 c12 c21 c22
            [
                [1, 0, 0, 1, -1, 0, 1],
                [0, 0, 1, 0, 1, 0, 0],
                [0, 1, 0, 1, 0, 0, 0],
                [1, -1, 1, 0, 0, 1, 0],
            ],
        )
    )
)
