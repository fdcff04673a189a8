"""The bit-exact reference in NumPy; read it beside `hdl`, which takes the same steps.

Everything else in the project is compared with this file, and this file with the published
vectors, with an oracle in exact fractions (tests/test_reference.py) and with the solver (proofs).
"""

import numpy as np

from mbm_hw.catalog import as_spec
from mbm_hw.float_reference import float_multiply, mantissa_table
from mbm_hw.float_spec import FloatSpec
from mbm_hw.spec import Exact, IntegerSpec, LogSpec, Spec, Table

TABLE_MAX_WIDTH = 12


def multiply(spec: Spec | str, a, b) -> np.ndarray:
    """Return the products of `a` and `b`, bit for bit as the RTL computes them.

    spec : a spec, or its name; anything else is a TypeError.
    a, b : integers or integer arrays, broadcast together. Integer specs: values (not patterns) from
        spec.operand_min to spec.operand_max. Float specs: bit patterns, 0 to 2**spec.width - 1.
        Anything else is a ValueError.
    Returns int64 of the broadcast shape (uint64 for unsigned 32-bit specs; float specs: uint32 bit
    patterns, see `float_multiply`); a scalar for scalars.
    """
    spec = as_spec(spec)
    if isinstance(spec, FloatSpec):
        return float_multiply(spec, a, b)
    a, b = _operand(spec, "a", a), _operand(spec, "b", b)
    wide = np.uint64 if spec.product_width == 64 and not spec.signed else np.int64
    if isinstance(spec, Exact):
        return (a.astype(wide) * b.astype(wide))[()]
    if isinstance(spec, Table) and not spec.sign_magnitude:
        mask = (1 << spec.width) - 1
        return spec.array[a & mask, b & mask]
    magnitude_a, magnitude_b = np.abs(a), np.abs(b)
    if isinstance(spec, Table):
        magnitude = spec.array[magnitude_a, magnitude_b]
    else:
        magnitude = _log_product(spec, magnitude_a, magnitude_b)
    magnitude = magnitude.astype(wide)
    return np.where((a < 0) != (b < 0), -magnitude, magnitude)[()] if spec.signed else magnitude[()]


def product_table(spec: Spec | str) -> np.ndarray:
    """Return all products as int64 [2**width, 2**width], indexed by two's-complement patterns.

    spec : a spec, or its name; anything else is a TypeError.
    For integer specs of at most 12 bits; wider ones are a ValueError. A sign-magnitude table has no
    operand with the pattern 2**(width - 1); its row and column hold 0. A float spec's table is of
    its M mantissa bits, at most 8: int64 [2**M, 2**M], (exponent increment << M) | mantissa.
    """
    spec = as_spec(spec)
    if isinstance(spec, FloatSpec):
        return mantissa_table(spec)
    if spec.width > TABLE_MAX_WIDTH:
        raise ValueError(f"a product table takes at most {TABLE_MAX_WIDTH} bits, not {spec}")
    operands = pattern_values(spec)
    legal = operands >= spec.operand_min
    legal_operands = np.where(legal, operands, 0)
    products = multiply(spec, legal_operands[:, None], legal_operands)
    return np.where(legal[:, None] & legal, products, 0)


def pattern_values(spec: IntegerSpec) -> np.ndarray:
    """Return the values of all bit patterns: int64 [2**width], two's complement where signed."""
    patterns = np.arange(1 << spec.width, dtype=np.int64)
    sign = spec.signed << (spec.width - 1)
    return patterns - ((patterns & sign) << 1)


def _operand(spec, name, x):
    x = np.asarray(x)
    low, high = spec.operand_min, spec.operand_max
    if x.dtype.kind not in "iu":
        raise ValueError(f"{name} must be integers {low} to {high} for {spec}, not {x.dtype}")
    outside = (x < low) | (x > high)
    if outside.any():
        raise ValueError(f"{name} must be {low} to {high} for {spec}, not {x[outside].flat[0]}")
    return x.astype(np.int64)


def _log_product(spec: LogSpec, a, b) -> np.ndarray:
    """Return the unsigned core's products of the magnitudes `a` and `b`, as uint64."""
    characteristic_a, fraction_a = log2(spec, a)
    characteristic_b, fraction_b = log2(spec, b)
    width, one = np.uint64(spec.fraction_width), np.uint64(1 << spec.fraction_width)
    total = fraction_a + fraction_b
    carry, fraction = total >> width, total & (one - np.uint64(1))
    characteristic = characteristic_a + characteristic_b + carry
    corrected = fraction + np.array(spec.corrections, np.uint64)[carry]
    overflow = (characteristic == 2 * spec.width - 1) & (corrected >= one)
    mantissa = one + np.where(overflow, fraction, corrected)
    shifted = np.where(
        characteristic >= width,
        mantissa << (np.maximum(characteristic, width) - width),
        mantissa >> (width - np.minimum(characteristic, width)),
    )
    small = (carry == 1) & (characteristic.astype(np.int64) <= spec.small_characteristic)
    return np.where((a == 0) | (b == 0), np.uint64(0), shifted + small.astype(np.uint64))


def log2(spec: LogSpec, x) -> tuple[np.ndarray, np.ndarray]:
    """Return Mitchell's log2 of `x`: its characteristic (leading-one position) and fraction."""
    # frexp of a float64 is exact below 2**53; the characteristic of 0 is not used.
    characteristic = (np.frexp(np.maximum(x, 1).astype(np.float64))[1] - 1).astype(np.uint64)
    aligned = x.astype(np.uint64) << (np.uint64(spec.fraction_width) - characteristic)
    fraction = aligned & np.uint64((1 << spec.fraction_width) - 1)
    if spec.truncation:
        truncation = np.uint64(spec.truncation)
        fraction = (fraction >> truncation | np.uint64(1)) << truncation
    return characteristic, fraction
