"""The bit-exact reference of the floating-point multipliers, on bit patterns in NumPy."""

import numpy as np

from mbm_hw.float_spec import FloatExact, FloatLogSpec, FloatSpec

MANTISSA_TABLE_MAX_BITS = 8


def float_multiply(spec: FloatSpec, a, b) -> np.ndarray:
    """Return the products of the bit patterns `a` and `b`, as uint32 of their broadcast shape.

    NaN, or 0 x infinity, gives the quiet NaN with a clear sign; infinities and overflow keep the
    sign; what falls below the smallest normal number is a signed zero. Patterns outside 0 to
    2**spec.width - 1 are a ValueError.
    """
    a, b = _pattern(spec, "a", a), _pattern(spec, "b", b)
    m, e = spec.mantissa_bits, spec.exponent_bits
    top, mantissa_mask = spec.exponent_max, (1 << m) - 1
    exponent_a, exponent_b = (a >> m) & top, (b >> m) & top
    mantissa_a, mantissa_b = a & mantissa_mask, b & mantissa_mask
    sign = (a ^ b) >> (e + m) << (e + m)

    increment, mantissa = np.divmod(mantissa_product(spec, mantissa_a, mantissa_b), 1 << m)
    exponent = exponent_a + exponent_b - spec.exponent_bias + increment
    product = exponent << m | mantissa

    zero = (exponent_a == 0) | (exponent_b == 0)
    special_a, special_b = exponent_a == top, exponent_b == top
    nan = special_a & (mantissa_a != 0) | special_b & (mantissa_b != 0)
    nan |= (special_a | special_b) & zero
    infinity, quiet_nan = top << m, top << m | 1 << (m - 1)
    product = np.where(exponent >= top, infinity, product)
    product = np.where(zero | (exponent <= 0), 0, product)
    product = np.where(special_a | special_b, infinity, product) | sign
    return np.where(nan, quiet_nan, product).astype(np.uint32)[()]


def mantissa_product(spec: FloatSpec, i, j) -> np.ndarray:
    """Return exponent increment << mantissa_bits | mantissa, for stored mantissas; int64."""
    i, j = np.asarray(i, np.int64), np.asarray(j, np.int64)
    return _rounded(spec, i, j) if isinstance(spec, FloatExact) else _log_product(spec, i, j)


def mantissa_table(spec: FloatSpec) -> np.ndarray:
    """Return `mantissa_product` of all mantissas: int64 [2**M, 2**M], for M up to 8."""
    if spec.mantissa_bits > MANTISSA_TABLE_MAX_BITS:
        raise ValueError(
            f"a mantissa table takes at most {MANTISSA_TABLE_MAX_BITS} mantissa bits, not {spec}"
        )
    mantissas = np.arange(1 << spec.mantissa_bits)
    return mantissa_product(spec, mantissas[:, None], mantissas)


def _pattern(spec, name, x):
    x, high = np.asarray(x), (1 << spec.width) - 1
    if x.dtype.kind not in "iu":
        raise ValueError(f"{name} must be bit patterns 0 to {high} for {spec}, not {x.dtype}")
    outside = (x < 0) | (x > high)
    if outside.any():
        raise ValueError(f"{name} must be 0 to {high} for {spec}, not {x[outside].flat[0]}")
    return x.astype(np.int64)


def _log_product(spec: FloatLogSpec, i, j):
    width, one = spec.fraction_width, 1 << spec.fraction_width
    total = _fraction(spec, i) + _fraction(spec, j)
    carry, fraction = total >> width, total & (one - 1)
    corrected = fraction + np.array(spec.corrections)[carry]
    corrected = np.where((carry == 1) & (corrected >= one), fraction, corrected)
    overflow = corrected >> width
    mantissa = np.where(overflow == 1, (one + corrected) >> 1, corrected) & (one - 1)
    return (carry | overflow) << width | mantissa


def _fraction(spec: FloatLogSpec, mantissa):
    if spec.truncation:
        return (mantissa >> spec.truncation | 1) << spec.truncation
    return mantissa | spec.forced


def _rounded(spec: FloatExact, i, j):
    m, one = spec.mantissa_bits, 1 << spec.mantissa_bits
    product = (one + i) * (one + j)  # 1 to 4, in units of 2**-2m
    increment = product >> (2 * m + 1)
    dropped = m + increment
    kept, rest, half = product >> dropped, product & ((1 << dropped) - 1), 1 << (dropped - 1)
    kept += (rest > half) | (rest == half) & (kept & 1 == 1)
    # Rounding up to the next power of two leaves a mantissa of 0 and one more in the exponent.
    return (increment << m) + kept - one
