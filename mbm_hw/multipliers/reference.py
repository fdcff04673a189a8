"""Signs, tables and formats around a family's products; read it beside `hdl`.

Everything else in the project is compared with the families' products, and these with the published
vectors, with an oracle in exact fractions (tests/test_reference.py) and with the solver (proofs).
"""

import numpy as np

from mbm_hw.multipliers.names import as_spec
from mbm_hw.multipliers.spec import FloatSpec, IntegerSpec, Spec

TABLE_MAX_WIDTH = 12
MANTISSA_TABLE_MAX_BITS = 8


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
    if spec.is_float:
        return float_multiply(spec, a, b)
    a, b = _operand(spec, "a", a), _operand(spec, "b", b)
    wide = np.uint64 if spec.product_width == 64 and not spec.signed else np.int64
    shape = np.broadcast_shapes(a.shape, b.shape)
    has_signs = spec.signed and spec.takes_magnitudes
    core = np.uint64 if spec.takes_magnitudes or not spec.signed else np.int64
    operands = (np.atleast_1d(np.abs(x) if has_signs else x).astype(core) for x in (a, b))
    products = _products(spec, *operands).astype(wide).reshape(shape)
    if has_signs:
        products = np.where((a < 0) != (b < 0), -products, products)
    return products[()]


def _products(spec: Spec, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return `spec.product(a, b)`; a ValueError unless they are integers of the operands' shape."""
    products = np.asarray(spec.product(a, b))
    shape = np.broadcast_shapes(a.shape, b.shape)
    if products.dtype.kind not in "iu" or products.shape != shape:
        came = f"{products.dtype} {list(products.shape)}"
        raise ValueError(
            f"{spec.identifier}: product must return integers {list(shape)}, not {came}"
        )
    return products


def product_table(spec: Spec | str) -> np.ndarray:
    """Return all products as int64 [2**width, 2**width], indexed by two's-complement patterns.

    spec : a spec, or its name; anything else is a TypeError.
    For integer specs of at most 12 bits; wider ones are a ValueError. A sign-magnitude table has no
    operand with the pattern 2**(width - 1); its row and column hold 0. A float spec's table is of
    its M mantissa bits, at most 8: int64 [2**M, 2**M], (exponent increment << M) | mantissa.
    """
    spec = as_spec(spec)
    if spec.is_float:
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
    exponent_sum = exponent_a + exponent_b - spec.exponent_bias
    exponent = exponent_sum + increment
    product = exponent << m | mantissa

    zero = (exponent_a == 0) | (exponent_b == 0)
    special_a, special_b = exponent_a == top, exponent_b == top
    nan = special_a & (mantissa_a != 0) | special_b & (mantissa_b != 0)
    nan |= (special_a | special_b) & zero
    infinity, quiet_nan = top << m, top << m | 1 << (m - 1)
    product = np.where(exponent >= top, infinity, product)
    product = np.where(zero | (exponent_sum < 0) | (exponent == 0), 0, product)
    product = np.where(special_a | special_b, infinity, product) | sign
    return np.where(nan, quiet_nan, product).astype(np.uint32)[()]


def mantissa_product(spec: FloatSpec, i, j) -> np.ndarray:
    """Return exponent increment << mantissa_bits | mantissa, for stored mantissas; int64."""
    return _products(spec, np.asarray(i, np.int64), np.asarray(j, np.int64))


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
