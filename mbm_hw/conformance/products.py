"""Checks of the products themselves: arrays, tables, ranges, counterparts and terms."""

import numpy as np

from mbm_hw.conformance.checks import Absent, Failure, of_spec
from mbm_hw.conformance.points import legal_operands, operand_pairs
from mbm_hw.multipliers import Spec, mantissa_product, multiply, product_table
from mbm_hw.multipliers.lowering import ExactProducts, Terms
from mbm_hw.multipliers.reference import MANTISSA_TABLE_MAX_BITS, TABLE_MAX_WIDTH


def differing(spec: Spec, a, b, actual, expected, what: str):
    """Raise a Failure that names the first pair whose `actual` product is not the expected one."""
    wrong = np.flatnonzero(np.asarray(actual).ravel() != np.asarray(expected).ravel())
    if len(wrong):
        a, b, actual, expected = (
            np.broadcast_to(x, np.shape(expected)).ravel()[wrong[0]]
            for x in (a, b, actual, expected)
        )
        raise Failure(f"{spec.identifier}: {what}: {a} * {b} is {actual}, expected {expected}")


@of_spec
def check_reference(spec: Spec):
    """A product depends on its operands alone: not on the array that they come in."""
    a, b = operand_pairs(spec)
    some = np.random.default_rng(0).choice(len(a), min(len(a), 24), replace=False)
    a, b = a[some], b[some]
    one_by_one = [int(multiply(spec, x, y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    differing(spec, a, b, multiply(spec, a, b), one_by_one, "in an array")
    crossed = multiply(spec, a[:, None], b)
    differing(spec, a, b, np.diagonal(crossed), one_by_one, "broadcast")
    if multiply(spec, a[:0], b[:0]).shape != (0,):
        raise Failure(f"{spec.identifier}: no operands must give no products")


@of_spec
def check_table(spec: Spec):
    """The product table, of the mantissas where the spec is a float one, has these products."""
    if spec.is_float:
        if spec.mantissa_bits > MANTISSA_TABLE_MAX_BITS:
            raise Absent(f"a mantissa table takes at most {MANTISSA_TABLE_MAX_BITS} bits")
        operands = np.arange(1 << spec.mantissa_bits)
        expected = mantissa_product(spec, operands[:, None], operands[None, :])
        rows = operands
    else:
        if spec.width > TABLE_MAX_WIDTH:
            raise Absent(f"a product table takes at most {TABLE_MAX_WIDTH} bits")
        operands = legal_operands(spec)[:: max(1, (1 << spec.width) // 64)]
        expected = multiply(spec, operands[:, None], operands[None, :])
        rows = operands & ((1 << spec.width) - 1)
    found = product_table(spec)[rows[:, None], rows]
    differing(spec, operands[:, None], operands, found, expected, "in the table")


@of_spec
def check_range(spec: Spec):
    """All products are integers that fit, those of 0 and of the extreme operands too."""
    if spec.is_float:
        a, b = operand_pairs(spec)
        a, b = (x & ((1 << spec.mantissa_bits) - 1) for x in (a, b))
        products = mantissa_product(spec, a, b)
        high = (3 << spec.mantissa_bits) - 1  # LMul's exponent may rise by 2
        low, what = 0, "mantissas"
    else:
        a, b = operand_pairs(spec)
        products, what = multiply(spec, a, b), "products"
        low = -(1 << (spec.product_width - 1)) if spec.signed else 0
        high = (1 << (spec.product_width - spec.signed)) - 1
    outside = np.flatnonzero((products < low) | (products > high))
    if len(outside):
        a, b, product = (x[outside[0]] for x in (a, b, products))
        raise Failure(f"{spec.identifier}: {what}: {a} * {b} is {product}, not {low} to {high}")


@of_spec
def check_special_values(spec: Spec):
    """Zeros, infinities and NaNs of a float spec are IEEE's, subnormals flushed to zero."""
    if not spec.is_float:
        raise Absent("integers have no special values")
    top, sign = spec.exponent_max << spec.mantissa_bits, 1 << (spec.width - 1)
    nan, one = top | 1 << (spec.mantissa_bits - 1), spec.exponent_bias << spec.mantissa_bits
    for a, b, expected in (
        (0, one, 0),
        (sign, one, sign),
        (1, one, 0),
        (top, one, top),
        (top | sign, one, top | sign),
        (top, 0, nan),
        (nan, one, nan),
        (top - 1, top - 1, top),
    ):
        for pair in ((a, b), (b, a)):
            differing(spec, *pair, multiply(spec, *pair), expected, "patterns")


@of_spec
def check_counterparts(spec: Spec):
    """The exact counterpart is exact and takes the same operands; twins differ in sign only."""
    exact = spec.exact()
    if not exact.is_exact or exact.exact() != exact or exact.signed != spec.signed:
        raise Failure(f"{spec.identifier}: exact() is {exact!r}")
    if spec.is_float:
        if exact.format != spec.format:
            raise Failure(f"{spec.identifier}: exact() has the format {exact.format}")
        return
    a, b = operand_pairs(spec)
    exact_products = a.astype(object) * b.astype(object)
    differing(spec, a, b, multiply(exact, a, b).astype(object), exact_products, "exact()")
    try:
        twin = spec.twin(signed=not spec.signed)
    except ValueError:  # the parameters, or the family, are of one sign alone
        return
    if twin.twin(signed=spec.signed) != spec:
        raise Failure(f"{spec.identifier}: the twin of its twin is another spec")
    if spec.takes_magnitudes and twin.takes_magnitudes:
        high = min(spec.operand_max, twin.operand_max)
        both = (a >= 0) & (b >= 0) & (a <= high) & (b <= high)
        found, wanted = multiply(twin, a[both], b[both]), multiply(spec, a[both], b[both])
        differing(spec, a[both], b[both], found, wanted, "its twin")


@of_spec
def check_lowering(spec: Spec):
    """The terms that `lowering()` returns sum up to the products, where NumPy can tell."""
    lowering = spec.lowering()
    if lowering is None:
        raise Absent("no lowering: the product table multiplies")
    if spec.is_float or not isinstance(lowering, (ExactProducts, Terms)):
        raise Absent("its lowering is no terms: kernels alone have it (operators)")
    a, b = operand_pairs(spec)
    products = multiply(spec, a, b).astype(object)
    if isinstance(lowering, ExactProducts):
        differing(spec, a, b, a.astype(object) * b.astype(object), products, "lowering")
        return
    has_signs = spec.signed and spec.takes_magnitudes
    operands = [np.abs(x) if has_signs else x for x in (a, b)]
    total = 0
    for left, right, factor in lowering.terms:
        x, y = (f(x) for f, x in zip((left, right), operands, strict=True))
        if lowering.of is None:
            inner = x.astype(object) * y.astype(object)
        else:
            inner = lowering.of.product(x.astype(np.uint64), y.astype(np.uint64)).astype(object)
        total = total + factor * inner
    signs = np.where(has_signs & ((a < 0) != (b < 0)), -1, 1).astype(object)
    differing(spec, a, b, signs * total, products, "the sum of its terms")
