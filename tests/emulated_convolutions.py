"""Convolutions on an emulated CUDA device against the CPU's, for tests."""

import operator

import pytest
import torch
from codes import random_codes
from emulated_cuda import emulated_device
from float_patterns import random_patterns, tensor

from mbm_hw import MBM, ops
from mbm_hw.multipliers import FloatExact, FloatMBM, FloatMitchell
from mbm_hw.ops import round_to_format
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda import operators
from mbm_hw.ops.float_values import float_spec_values

FLOATS = (FloatMBM(8, 7, force_lsb=True), FloatMitchell(8, 23), FloatMBM(5, 10), FloatExact(4, 3))
MORE_FLOATS = (
    *(FloatMBM(8, 7), FloatMBM(8, 23), FloatMBM(7, 9, truncation=1), FloatMitchell(5, 10)),
    *(FloatExact(8, 7), FloatExact(8, 23), FloatExact(5, 10)),
)
name_of = operator.attrgetter("identifier")


def conv2d(x, w, spec, parameters, order=0):
    with emulated_device(order):
        if isinstance(spec, FLOAT_CLASSES):
            return operators.float_conv2d(x, w, *float_spec_values(spec), *parameters)
        return operators.conv2d(x, w, *spec_values(spec), *parameters)


FLOAT_CLASSES = (FloatMBM, FloatMitchell, FloatExact)


def layer_values(spec, shape, seed):
    """Return values of a float format as layers have them: weights, or ReLUs for an odd `seed`."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    values = torch.relu(values) if seed % 2 else values.sign() * values.abs().clamp(0.01, 3.5)
    return round_to_format(values, spec.exponent_bits, spec.mantissa_bits)


def random_operand(spec, shape, seed):
    if isinstance(spec, FLOAT_CLASSES):
        return tensor(spec, random_patterns(spec, shape, seed, "any" if seed % 2 else "network"))
    codes = random_codes(spec, shape, seed, extreme=seed % 3 == 0)
    small = random_codes(MBM(6, signed=spec.signed), shape, seed + 1).to(codes.dtype)
    return torch.where(codes % 4 == 1, small, codes) if spec.width > 6 else codes


def check_conv2d(spec, x, w, parameters, order=0):
    actual = conv2d(x, w, spec, parameters, order)
    is_float = isinstance(spec, FLOAT_CLASSES)
    expected = (ops.float_conv2d if is_float else ops.conv2d)(x, w, spec, *parameters)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    different = (
        actual.view(torch.int32) != expected.view(torch.int32) if is_float else actual != expected
    )
    if different.any():
        where = tuple(int(i) for i in different.nonzero()[0])
        pytest.fail(
            f"{spec}: {list(x.shape)} * {list(w.shape)}, {parameters}: {int(different.sum())} of "
            f"{different.numel()} sums, at {where} {actual[where]}, expected {expected[where]}"
        )
