"""Rounding to a floating-point format: schema, checks, fake and CPU kernel."""

import torch
from torch import Tensor
from torch.library import custom_op

from mbm_hw.ops.cpu_kernels import run_round_to_format
from mbm_hw.ops.geometry import check_float32
from mbm_hw.ops.operands import check_readable


def round_to_format(x: Tensor, exponent_bits: int, mantissa_bits: int) -> Tensor:
    """Return `x`, float32, rounded to a format's values, also as float32; no gradient.

    exponent_bits : 2 to 8. mantissa_bits : stored ones, 1 to 23.

    To the nearest mantissa, ties to even, as if the exponent had no bounds. Then what is above the
    format's largest number is infinite, and what is below its smallest normal number is zero, each
    with its sign: the formats of the specs have no subnormal numbers. NaN becomes the quiet NaN.
    """
    _check(x, exponent_bits, mantissa_bits)
    return _round_to_format(x.detach(), exponent_bits, mantissa_bits)


@custom_op("mbm_hw::round_to_format", mutates_args=(), device_types="cpu")
def _round_to_format(x: Tensor, exponent_bits: int, mantissa_bits: int) -> Tensor:
    _check(x, exponent_bits, mantissa_bits)
    x = x.contiguous()
    rounded = torch.empty_like(x)
    run_round_to_format(x, rounded, exponent_bits, mantissa_bits)
    return rounded


@_round_to_format.register_fake
def _(x, exponent_bits, mantissa_bits):
    _check(x, exponent_bits, mantissa_bits)
    return x.new_empty(x.shape)


def _check(x, exponent_bits, mantissa_bits):
    if not 2 <= exponent_bits <= 8 or not 1 <= mantissa_bits <= 23:
        bits = f"{exponent_bits} and {mantissa_bits}"
        raise ValueError(f"a format has 2 to 8 exponent and 1 to 23 mantissa bits, not {bits}")
    check_readable("round_to_format", x=x)
    check_float32("round_to_format", x=x)
