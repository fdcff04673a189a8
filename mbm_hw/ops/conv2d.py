"""The convolution of codes: schema, checks, fake and CPU kernel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mbm_hw.ops.codes import (
    SpecValues,
    check_codes,
    check_operands,
    check_terms,
    spec_values,
    sum_dtype,
)
from mbm_hw.ops.cpu_kernels import multiplier_of, run_conv2d
from mbm_hw.spec import IntegerSpec


def conv2d(
    x_codes: Tensor,
    w_codes: Tensor,
    spec: IntegerSpec | SpecValues,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return torch's conv2d of integer codes, each product x * w as `spec` multiplies, sums exact.

    x_codes : [N, C, H, W]; w_codes : [O, C / groups, kH, kW]; `codes.code_dtype(spec)`, from
        spec.operand_min to spec.operand_max; any strides in memory. x is the product's first
        operand. Padding pads with code 0, whose products are the spec's (a table's may be nonzero).
    spec : an integer spec of 4 to 16 bits, or what `codes.spec_values` makes of one.
    stride, dilation : at least 1; padding : at least 0; one number or (vertical, horizontal).
    Returns `codes.sum_dtype(spec)` [N, O, OH, OW]. No gradient: codes are integers (see `nn`).

    A wrong dtype is a TypeError; a wrong shape, value or code a ValueError, and so are more than
    65,536 terms (C / groups * kH * kW) where sums are int32.
    """
    values = spec_values(spec)
    for name, tensor in (("x_codes", x_codes), ("w_codes", w_codes)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"conv2d: {name} must be a tensor, not {type(tensor).__name__}")
    pairs = (_pair("stride", stride), _pair("padding", padding), _pair("dilation", dilation))
    return _conv2d(x_codes, w_codes, *values, *pairs, groups)


@torch.library.custom_op("mbm_hw::conv2d", mutates_args=(), device_types="cpu")
def _conv2d(
    x: Tensor,
    w: Tensor,
    family: str,
    width: int,
    truncation: int,
    signed: bool,
    table: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    spec = SpecValues(family, width, truncation, signed, table)
    out = x.new_empty(_check(x, w, spec, stride, padding, dilation, groups), dtype=sum_dtype(spec))
    check_codes("conv2d", spec, x=x, w=w)
    run_conv2d(x, w, out, multiplier_of(spec), stride, padding, dilation, groups)
    return out


@_conv2d.register_fake
def _(x, w, family, width, truncation, signed, table, stride, padding, dilation, groups):
    spec = SpecValues(family, width, truncation, signed, table)
    shape = _check(x, w, spec, stride, padding, dilation, groups)
    return x.new_empty(shape, dtype=sum_dtype(spec))


def _check(x, w, spec, stride, padding, dilation, groups) -> list[int]:
    """Return the shape of the output, or raise."""
    check_operands("conv2d", spec, x, w)
    shapes = f"{list(x.shape)} and {list(w.shape)}"
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"conv2d takes x [N, C, H, W] and w [O, I, kH, kW], not {shapes}")
    for name, numbers, least in (
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if len(numbers) != 2 or min(numbers) < least:
            raise ValueError(
                f"conv2d: {name} must be two numbers of at least {least}, not {list(numbers)}"
            )
    if groups < 1 or w.shape[0] % groups or x.shape[1] != w.shape[1] * groups:
        raise ValueError(
            f"conv2d takes x [N, C, H, W] and w [O, C / groups, kH, kW], O divisible by groups, "
            f"not {shapes} with groups={groups}"
        )
    check_terms("conv2d", spec, w.shape[1] * w.shape[2] * w.shape[3])
    out = [x.shape[0], w.shape[0]]
    for i in (0, 1):
        padded = x.shape[2 + i] + 2 * padding[i]
        extent = dilation[i] * (w.shape[2 + i] - 1) + 1
        if w.shape[2 + i] < 1 or padded < extent:
            raise ValueError(
                f"conv2d: the kernel must have 1 to as many pixels as the padded input, "
                f"not {extent} for {padded}, in {shapes}"
            )
        out.append((padded - extent) // stride[i] + 1)
    return out


def _pair(name: str, value: int | Sequence[int]) -> list[int]:
    """Return a convolution's parameter as [vertical, horizontal]."""
    numbers = [value, value] if isinstance(value, int) else list(value)
    if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers):
        raise ValueError(f"conv2d: {name} must be an integer or two, not {value!r}")
    return numbers
