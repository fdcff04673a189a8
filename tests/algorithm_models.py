"""The algorithms as textbooks have them, tile by tile, each product by `mbm_hw.multiply`.

In NumPy, Fractions and `numpy.fft`; nothing of `mbm_hw.ops` is used. Products are counted.
"""

from fractions import Fraction as F

import numpy as np
from float_patterns import rounded, widened

from mbm_hw import FloatExact, FloatMBM, FloatMitchell, multiply

# A. Lavin, S. Gray, CVPR 2016, section 4: m -> B^T, G, A^T.
LAVIN = {
    2: (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [F(1, 2)] * 3, [F(1, 2), F(-1, 2), F(1, 2)], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: (
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        [
            [F(1, 4), 0, 0],
            [F(-1, 6)] * 3,
            [F(-1, 6), F(1, 6), F(-1, 6)],
            [F(1, 24), F(1, 12), F(1, 6)],
            [F(1, 24), F(-1, 12), F(1, 6)],
            [0, 0, 1],
        ],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}
ROW_SCALES = {2: [1, 2, 2, 1], 4: [4, 6, 6, 24, 24, 1]}  # what makes the rows of G integers


class Multiplier:
    """Sums of a spec's products: of integers, or in float32, one after the other. Counts them."""

    def __init__(self, spec):
        self.spec, self.count = spec, 0
        self.is_float = isinstance(spec, (FloatExact, FloatMitchell, FloatMBM))

    def operands(self, values):
        """Return transformed values as the multiplier takes them."""
        if not self.is_float:
            return np.vectorize(int, otypes=[np.int64])(values)
        bits = self.spec.exponent_bits, self.spec.mantissa_bits
        return rounded(np.asarray(values, np.float64).astype(np.float32), *bits)

    def dot(self, a, b):
        """Return the sums over the last axis; [..., K] each, broadcast."""
        a, b = np.broadcast_arrays(self.operands(a), self.operands(b))
        self.count += a.size
        if not self.is_float:
            return multiply(self.spec, a, b).sum(-1)
        assert self.spec.exponent_bits == 8, "then a pattern is the upper part of float32's"
        dropped = 23 - self.spec.mantissa_bits
        patterns = (value.copy().view(np.uint32).astype(np.int64) >> dropped for value in (a, b))
        products = widened(self.spec, multiply(self.spec, *patterns))
        sums = np.zeros(a.shape[:-1], np.float32)
        for k in range(a.shape[-1]):
            sums = sums + products[..., k]
        return sums


def exact_sandwich(left, values, right):
    """Return left @ values @ right in Fractions."""
    as_fractions = np.vectorize(F, otypes=[object])
    left, values, right = (as_fractions(m) for m in (left, values, right))
    return left @ values @ right


def winograd_tile(multiplier, tile, w, m):
    """Return F(m x m, 3x3) of a tile [C, m + 2, m + 2] with one filter [C, 3, 3]: Fractions."""
    b, g, a = (np.array(matrix, dtype=object) for matrix in LAVIN[m])
    scales = np.array(ROW_SCALES[m])
    scaled = g * scales[:, None]
    v = np.array([exact_sandwich(b, channel, b.T) for channel in tile])
    u = np.array([exact_sandwich(scaled, channel, scaled.T) for channel in w])
    sums = multiplier.dot(np.moveaxis(v, 0, -1), np.moveaxis(u, 0, -1)).astype(object)
    sums = np.vectorize(F, otypes=[object])(sums) / (scales[:, None] * scales)
    return a @ sums @ a.T


def fft_tile(multiplier, tile, w, is_gauss):
    """Return the valid part of the correlation of a tile [C, T, T'] with a filter [C, kH, kW]."""
    size = tile.shape[1:]
    x, w_points = (np.fft.fft2(v.astype(np.float64), size) for v in (tile, w))
    w_points = w_points.conj()
    spectrum = np.zeros(size, complex)
    for u in range(size[0]):
        for v in range(size[1]):
            mirror = -u % size[0], -v % size[1]
            a, b = x[:, u, v].real, x[:, u, v].imag
            c, d = w_points[:, u, v].real, w_points[:, u, v].imag
            if (u, v) == mirror:
                spectrum[u, v] = multiplier.dot(a, c)
            elif (u, v) > mirror:
                continue
            elif is_gauss:
                k1, k2, k3 = (
                    float(multiplier.dot(*pair)) for pair in ((c, a + b), (a, d - c), (b, c + d))
                )
                spectrum[u, v] = complex(k1 - k3, k1 + k2)
            else:
                ac, bd, ad, bc = (
                    float(multiplier.dot(*pair)) for pair in ((a, c), (b, d), (a, d), (b, c))
                )
                spectrum[u, v] = complex(ac - bd, ad + bc)
            spectrum[mirror] = spectrum[u, v].conjugate()
    rows, columns = (t - k + 1 for t, k in zip(size, w.shape[1:], strict=True))
    return np.fft.ifft2(spectrum).real[:rows, :columns]


def tiled(image, w, outputs, tile_product):
    """Return a stride-1 convolution [O, OH, OW] of a padded image [C, H, W], tile by tile."""
    kernel = w.shape[2:]
    height, width = (n - k + 1 for n, k in zip(image.shape[1:], kernel, strict=True))
    tiles = -(-height // outputs[0]), -(-width // outputs[1])
    size = [m + k - 1 for m, k in zip(outputs, kernel, strict=True)]
    image = np.pad(image, ((0, 0), (0, size[0]), (0, size[1])))
    y = np.zeros((len(w), tiles[0] * outputs[0], tiles[1] * outputs[1]), object)
    for o in range(len(w)):
        for i in range(0, y.shape[1], outputs[0]):
            for j in range(0, y.shape[2], outputs[1]):
                tile = image[
                    :, i : i + outputs[0] + kernel[0] - 1, j : j + outputs[1] + kernel[1] - 1
                ]
                part = tile_product(tile, w[o])
                y[o, i : i + outputs[0], j : j + outputs[1]] = part
    return y[:, :height, :width]


def strassen_matmul(multiplier, a, b):
    """Return a @ b, [M, K] x [K, N], all even, by Strassen's seven products of quarters."""
    m, k, n = len(a) // 2, len(b) // 2, b.shape[1] // 2
    a, b = a.astype(np.float64), b.astype(np.float64)
    a11, a12, a21, a22 = a[:m, :k], a[:m, k:], a[m:, :k], a[m:, k:]
    b11, b12, b21, b22 = b[:k, :n], b[:k, n:], b[k:, :n], b[k:, n:]

    def product(left, right):
        return multiplier.dot(left[:, None], right.T[None]).astype(np.float64)

    m1 = product(a11 + a22, b11 + b22)
    m2 = product(a21 + a22, b11)
    m3 = product(a11, b12 - b22)
    m4 = product(a22, b21 - b11)
    m5 = product(a11 + a12, b22)
    m6 = product(a21 - a11, b11 + b12)
    m7 = product(a12 - a22, b21 + b22)
    return np.block([[m1 + m4 - m5 + m7, m3 + m5], [m2 + m4, m1 - m2 + m3 + m6]])


def strassen(multiplier, image, w, stride, dilation):
    """Return a convolution [O, OH, OW] of a padded image by its matrix of patches."""
    outputs, channels, *kernel = w.shape
    size = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(image.shape[1:], kernel, stride, dilation, strict=True)
    ]
    image = np.pad(image, ((0, channels % 2), (0, 64), (0, 0)))
    w = np.pad(w, ((0, outputs % 2), (0, channels % 2), (0, 0), (0, 0)))
    rows = np.arange(size[0] + size[0] % 2) * stride[0]
    columns = np.arange(size[1]) * stride[1]
    taps = [np.arange(k) * d for k, d in zip(kernel, dilation, strict=True)]
    at = rows[:, None, None, None] + taps[0][:, None], columns[:, None, None] + taps[1]
    patches = image[:, at[0], at[1]]  # [C, OH, OW, kH, kW]
    patches = np.moveaxis(patches, 0, 2).reshape(len(rows) * size[1], -1)
    y = strassen_matmul(multiplier, patches, w.reshape(len(w), -1).T)
    return y.T.reshape(len(w), -1, size[1])[:outputs, : size[0]]


def conv2d(name, spec, x, w, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Return (sums, products counted): [N, O, OH, OW], Fractions or floats, not yet rounded."""
    multiplier = Multiplier(spec)
    x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    kernel = w.shape[2:]

    def one(image, w):
        if name == "strassen":
            return strassen(multiplier, image, w, stride, dilation)
        if name.startswith("fft"):
            size = [int(2 ** np.ceil(np.log2(2 * k))) for k in kernel]
            outputs = [t - k + 1 for t, k in zip(size, kernel, strict=True)]
            return tiled(
                image, w, outputs, lambda tile, w: fft_tile(multiplier, tile, w, "gauss" in name)
            )
        m = {"winograd": 2, "winograd_4x4": 4}[name]
        return tiled(image, w, (m, m), lambda tile, w: winograd_tile(multiplier, tile, w, m))

    groups_of_x, groups_of_w = np.split(x, groups, axis=1), np.split(w, groups)
    y = [
        np.concatenate([one(part[n], v) for part, v in zip(groups_of_x, groups_of_w, strict=True)])
        for n in range(len(x))
    ]
    return np.array(y), multiplier.count
