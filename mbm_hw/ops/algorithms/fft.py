"""Correlation by the discrete Fourier transform, in tiles (overlap-save), on real products.

Ref: J. W. Cooley, J. W. Tukey, Math. Comp. 19(90), 1965; T. G. Stockham, "High-speed convolution
and correlation", AFIPS 1966.
Ref: M. Mathieu, M. Henaff, Y. LeCun, "Fast Training of Convolutional Networks through FFTs",
ICLR 2014.
Ref: D. E. Knuth, TAOCP 2, section 4.6.4: a complex product by three real ones (P. Ungar, 1963;
commonly called Gauss's).
"""

import functools
import math

import torch

from mbm_hw.ops.algorithms.bilinear import Bilinear


def tile_size(taps: int) -> int:
    """Return the transform's length for so many taps: the least power of two from 2 * taps."""
    return 1 << (2 * taps - 1).bit_length()


@functools.cache
def fft(kernel: tuple[int, int], is_gauss: bool) -> Bilinear:
    """Return the correlation of a tile, [T, T'] flattened, with a kernel, by its 2-D transform.

    The spectrum of real values is symmetric: of two conjugate points one is multiplied. A product
    of the points a + ib and c + id takes four real products, or three (is_gauss); where both are
    real it takes one.
    """
    size = tuple(map(tile_size, kernel))
    outputs = tuple(t - k + 1 for t, k in zip(size, kernel, strict=True))
    points = math.prod(size)
    rows = ([], [], [])
    for u, v in _half_spectrum(size):
        a, b = _waves(u, v, size, size)  # of e^-i: the imaginary part is -b
        c, d = _waves(u, v, size, kernel)
        cos, sin = (wave / points for wave in _waves(u, v, size, outputs))
        if (-u % size[0], -v % size[1]) == (u, v):
            products = [(a, c, cos)]
        elif is_gauss:  # x * conj(w) = (a - ib)(c + id)
            products = [
                (a - b, c, 2 * (cos - sin)),
                (a, d - c, -2 * sin),
                (-b, c + d, -2 * cos),
            ]
        else:
            products = [(a, c, 2 * cos), (b, d, 2 * cos), (a, d, -2 * sin), (b, c, 2 * sin)]
        for row, product in zip(rows, zip(*products, strict=True), strict=True):
            row.extend(product)
    input, weight, output = (torch.stack(row) for row in rows)
    return Bilinear(input, weight, output.T.contiguous())


def _half_spectrum(size):
    """Return the points of the 2-D spectrum, of two conjugate ones the first."""
    points = [(u, v) for u in range(size[0]) for v in range(size[1])]
    return [(u, v) for u, v in points if (u, v) <= (-u % size[0], -v % size[1])]


def _waves(u, v, size, shape):
    """Return cosine and sine of frequency (u, v), float64 [shape] flattened, zeros exact."""
    length = math.lcm(*size)
    steps = torch.arange(shape[0])[:, None] * (u * length // size[0])
    steps = (steps + torch.arange(shape[1]) * (v * length // size[1])) % length
    angles = 2 * math.pi * torch.arange(length, dtype=torch.float64) / length
    return tuple(
        torch.where(wave.abs() < 1e-9, 0.0, wave)[steps.flatten()]
        for wave in (angles.cos(), angles.sin())
    )
