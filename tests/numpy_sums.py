"""The operators' sums in NumPy, from `mbm_hw.multiply` alone, for any geometry with few outputs."""

import math

import numpy as np
from float_patterns import QUIET_NAN, rounded, widened

from mbm_hw import multiply


def output_size(size, kernel, stride, padding, dilation):
    """Return the outputs along one axis, 0 or less where there are none; Python integers."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def windows(x, kernel, stride, padding, dilation):
    """Return what each output meets, [N, C, kH, kW, OH, OW], zero outside of x, and where it is."""
    index = []
    for axis in (0, 1):
        size = x.shape[2 + axis]
        count = output_size(size, kernel[axis], stride[axis], padding[axis], dilation[axis])
        taps = [k * dilation[axis] - padding[axis] for k in range(kernel[axis])]
        places = [[tap + stride[axis] * i for i in range(count)] for tap in taps]
        index.append(np.array(places, dtype=object).reshape(kernel[axis], count))
    rows, columns = index[0][:, None, :, None], index[1][None, :, None, :]
    inside = (rows >= 0) & (rows < x.shape[2]) & (columns >= 0) & (columns < x.shape[3])
    inside = inside.astype(bool)
    if not inside.any():
        return np.zeros((*x.shape[:2], *inside.shape), x.dtype), inside
    rows, columns = (np.where(inside, i, 0).astype(np.int64) for i in (rows, columns))
    return np.where(inside, x[:, :, rows, columns], x.dtype.type(0)), inside


def products(multiplied, x, w, stride, padding, dilation, groups):
    """Return `multiplied(a, b)` of all pairs that a sum meets: [N, O, terms, OH, OW]."""
    met, _ = windows(x, w.shape[2:], stride, padding, dilation)
    (images, *_, rows, columns), terms = met.shape, math.prod(w.shape[1:])
    met = met.reshape(images, groups, 1, terms, rows, columns)
    weights = w.reshape(1, groups, len(w) // groups, terms, 1, 1)
    return multiplied(met, weights).reshape(images, len(w), terms, rows, columns)


def integer_sums(spec, x, w, layer):
    def exact(a, b):
        a, b = np.broadcast_arrays(a, b)
        return multiply(spec, a, b).astype(np.int64)

    return products(exact, x, w, *layer).sum(2, dtype=np.int64)


def float_sums(spec, x, w, layer, bias=None):
    """Return sums of a format with float32's exponents, term by term in float32, as patterns."""
    dropped = 23 - spec.mantissa_bits

    def in_format(a, b):
        patterns = (v.astype(np.float32).view(np.uint32) >> dropped for v in (a, b))
        patterns = np.broadcast_arrays(*(p.astype(np.int64) for p in patterns))
        return widened(spec, multiply(spec, *patterns))

    terms = products(in_format, x, w, *layer)
    sums = np.zeros((*terms.shape[:2], *terms.shape[3:]), np.float32)
    with np.errstate(all="ignore"):
        for k in range(terms.shape[2]):
            sums = sums + terms[:, :, k]
        if bias is not None:
            sums = sums + bias[:, None, None]
    return np.where(np.isnan(sums), np.uint32(QUIET_NAN), sums.view(np.uint32))


def rounded_sums(spec, x, w, bias, layer):
    x, w = (rounded(v, spec.exponent_bits, spec.mantissa_bits) for v in (x, w))
    return float_sums(spec, x, w, layer, bias)


def codes_of(values, unit, multiplies, limit):
    """Return values / unit, or times unit, in float32, half to even, in +-limit; NaN becomes 0."""
    with np.errstate(all="ignore"):
        steps = values * unit if multiplies else values / unit
        return np.clip(np.rint(np.nan_to_num(steps)), -limit, limit).astype(np.int64)


def quantized_sums(spec, x, w, bias, x_scale, w_scale, factor, limit, layer):
    """Return what `quantized_conv2d` says, NaN where a window of `x` has one."""
    one = np.float32(1)
    with np.errstate(all="ignore"):
        if w_scale is None:
            amax = np.abs(w).reshape(len(w), -1).max(1, initial=0)
            w_scale = (amax.astype(float) / limit).astype(np.float32)
            w_scale = np.where(w_scale == 0, one, w_scale)
        is_factor = factor is not None
        units = [np.float32(factor)] * 2 if is_factor else [x_scale, w_scale[:, None, None, None]]
        x_codes, w_codes = (
            codes_of(v, u, is_factor, limit) for v, u in zip((x, w), units, strict=True)
        )
        sums = integer_sums(spec, x_codes, w_codes, layer).astype(np.float32)
        y = sums * (x_scale * w_scale)[:, None, None]
        y = y if bias is None else y + bias[:, None, None]
    nan = products(lambda a, b: a + 0 * b, np.isnan(x).astype(int), np.zeros(w.shape, int), *layer)
    return np.where(nan.any(2), np.float32(np.nan), y)
