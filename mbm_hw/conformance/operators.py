"""Checks of operators and layers: they sum the reference's products, on every instruction set."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from mbm_hw import nn, ops
from mbm_hw.conformance.checks import Absent, Failure, of_spec
from mbm_hw.conformance.points import operand_pairs
from mbm_hw.conformance.products import differing
from mbm_hw.multipliers import FloatSpec, Spec, multiply
from mbm_hw.multipliers.reference import MANTISSA_TABLE_MAX_BITS, TABLE_MAX_WIDTH
from mbm_hw.ops.codes import MAX_WIDTH, MIN_WIDTH

OPERANDS = 60
FORCED_ISA = "MBM_HW_ISA"


@contextmanager
def instruction_set(name: str) -> Iterator[None]:
    """Let the kernels of this instruction set run within the block."""
    before = os.environ.get(FORCED_ISA)
    os.environ[FORCED_ISA] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[FORCED_ISA]
        else:
            os.environ[FORCED_ISA] = before


def _check_has_operators(spec: Spec):
    has_lowering = spec.lowering() is not None
    if spec.is_float:
        if spec.mantissa_bits > MANTISSA_TABLE_MAX_BITS and not has_lowering:
            raise Absent(f"no lowering: operators take it to {MANTISSA_TABLE_MAX_BITS} bits")
    elif not MIN_WIDTH <= spec.width <= MAX_WIDTH:
        raise Absent(f"operators take {MIN_WIDTH} to {MAX_WIDTH} bits")
    elif spec.width > TABLE_MAX_WIDTH and not has_lowering:
        raise Absent(f"no lowering: operators take it to {TABLE_MAX_WIDTH} bits")


def _some_operands(spec: Spec) -> np.ndarray:
    """Return operands, some of them corners; of a float spec finite patterns that are no zeros."""
    a, _ = operand_pairs(spec, 0, OPERANDS // 2)
    if spec.is_float:
        field = a >> spec.mantissa_bits & spec.exponent_max
        a = a[(field > 0) & (field < spec.exponent_max)]
    return a


def pattern_values_of(spec: FloatSpec, patterns: np.ndarray) -> np.ndarray:
    """Return the float32 values of a format's patterns."""
    m, e = spec.mantissa_bits, spec.exponent_bits
    sign = np.where(patterns >> (m + e) & 1, -1.0, 1.0)
    field, mantissa = patterns >> m & spec.exponent_max, patterns & ((1 << m) - 1)
    value = np.ldexp(1.0 + mantissa / (1 << m), field - spec.exponent_bias)
    value = np.where(field == spec.exponent_max, np.where(mantissa == 0, np.inf, np.nan), value)
    return (sign * np.where(field == 0, 0.0, value)).astype(np.float32)


@of_spec
def check_operators(spec: Spec):
    """Matrix products and convolutions sum the reference's products, on each instruction set."""
    _check_has_operators(spec)
    patterns = _some_operands(spec)
    products = multiply(spec, patterns[:, None], patterns)
    if spec.is_float:
        operands = torch.from_numpy(pattern_values_of(spec, patterns))
        products = pattern_values_of(spec, products.astype(np.int64))
        matmul, conv2d = ops.float_matmul, ops.float_conv2d
    else:
        operands = torch.from_numpy(patterns).to(ops.code_dtype(spec))
        matmul, conv2d = ops.matmul, ops.conv2d
    for isa in ops.available_isas():
        with instruction_set(isa):
            found = matmul(operands[:, None], operands[None, :], spec)
            differing(spec, patterns[:, None], patterns, found, products, f"matmul, {isa}")
            image, kernel = operands[None, :, None, None], operands.flip(0)[None, :, None, None]
            found = conv2d(image, kernel, spec).flatten()[0].item()
            terms = products[np.arange(len(patterns)), np.arange(len(patterns))[::-1]]
            if not _same(found, summed(terms)):
                raise Failure(
                    f"{spec.identifier}: conv2d, {isa}: a sum of {len(terms)} products is {found}, "
                    f"expected {summed(terms)}"
                )


def summed(terms: np.ndarray) -> int | float:
    """Return the exact sum of integers; of float32 values the sum in their order, in float32."""
    if terms.dtype.kind != "f":
        return int(terms.sum())
    total = np.float32(0)
    with np.errstate(all="ignore"):
        for term in terms:
            total = np.float32(total + term)
    return float(total)


def _same(found: float, expected: float) -> bool:
    return found == expected or (np.isnan(found) and np.isnan(expected))


@of_spec
def check_layers(spec: Spec):
    """A converted layer gives the scaled sums of the products of its codes."""
    _check_has_operators(spec)
    if not spec.signed:
        raise Absent("layers need signed operands")
    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.Linear(6, 4, bias=False)
    layer.weight.data = torch.randn(4, 6, generator=generator)
    x = torch.randn(5, 6, generator=generator)
    network = torch.nn.Sequential(layer)
    nn.convert_(network, spec)
    nn.calibrate_(network, [x])
    expected = _expected_layer(network[0], x)
    found = network(x).detach().numpy()
    if not np.allclose(found, expected, rtol=2**-20, atol=1e-30, equal_nan=True):
        row, column = np.argwhere(~np.isclose(found, expected, rtol=2**-20, equal_nan=True))[0]
        raise Failure(
            f"{spec.identifier}: output [{row}, {column}] of a linear layer is "
            f"{found[row, column]}, expected {expected[row, column]}"
        )


def _expected_layer(layer, x: Tensor) -> np.ndarray:
    spec = layer.spec
    x_codes, w_codes = (codes.numpy() for codes in (layer.codes(x), layer.weight_codes()))
    if spec.is_float:
        x_codes, w_codes = patterns_of(spec, x_codes), patterns_of(spec, w_codes)
    products = multiply(spec, x_codes[:, None, :], w_codes[None, :, :])
    if spec.is_float:
        products = pattern_values_of(spec, products.astype(np.int64))
        return np.array([[summed(terms) for terms in row] for row in products], np.float32)
    scale = (layer.activation_scale * layer.weight_scale).numpy()
    return products.sum(-1) * scale


def patterns_of(spec: FloatSpec, values: np.ndarray) -> np.ndarray:
    """Return the patterns of float32 values that the spec's format has."""
    mantissa, exponent = np.frexp(np.abs(values.astype(np.float64)))
    field = np.where(values == 0, 0, exponent - 1 + spec.exponent_bias)
    stored = np.where(field > 0, (2 * mantissa - 1) * (1 << spec.mantissa_bits), 0)
    sign = np.signbit(values).astype(np.int64) << (spec.width - 1)
    return sign | np.maximum(field, 0) << spec.mantissa_bits | stored.astype(np.int64)
