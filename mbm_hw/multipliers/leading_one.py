"""The leading one of an operand, and what families take from it: fraction, segment, scaling."""

import numpy as np


def leading_one(x: np.ndarray) -> np.ndarray:
    """Return the position of the leading one of integers below 2**53, uint64; of 0 it is 0."""
    # frexp of a float64 is exact below 2**53.
    return (np.frexp(np.maximum(x, 1).astype(np.float64))[1] - 1).astype(np.uint64)


def aligned_fraction(x: np.ndarray, characteristic: np.ndarray, width: int) -> np.ndarray:
    """Return the bits below the leading one, left-aligned in `width` bits, uint64.

    x : integers below 2**(width + 1). characteristic : the positions of their leading ones.
    """
    aligned = x.astype(np.uint64) << (np.uint64(width) - characteristic)
    return aligned & np.uint64((1 << width) - 1)


def scaled(mantissa: np.ndarray, characteristic: np.ndarray, width: int) -> np.ndarray:
    """Return floor(mantissa * 2**(characteristic - width)), all uint64.

    width : bits of the mantissa's fraction, below 64.
    """
    up = np.maximum(characteristic, width) - np.uint64(width)
    down = np.uint64(width) - np.minimum(characteristic, width)
    return mantissa << up >> down
