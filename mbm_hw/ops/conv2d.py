"""The convolution of codes: schema, checks, fake and CPU kernel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mbm_hw.ops.codes import (
    SpecValues,
    check_codes,
    check_device_codes,
    check_operands,
    check_terms,
    spec_values,
    sum_dtype,
)
from mbm_hw.ops.cpu_kernels import multiplier_of, run_conv2d
from mbm_hw.ops.geometry import conv2d_shape, pair
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
    spec : an integer spec of 4 to 16 bits, or what `codes.spec_values` makes of one; with that, the
        values of codes on a CUDA device are not checked.
    stride, dilation : at least 1; padding : at least 0; one number or (vertical, horizontal).
    Returns `codes.sum_dtype(spec)` [N, O, OH, OW]. No gradient: codes are integers (see `nn`).

    A wrong dtype is a TypeError; a wrong shape, value or code a ValueError, and so are more than
    65,536 terms (C / groups * kH * kW) where sums are int32.
    """
    values = spec_values(spec)
    for name, tensor in (("x_codes", x_codes), ("w_codes", w_codes)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"conv2d: {name} must be a tensor, not {type(tensor).__name__}")
    if spec is not values:
        check_device_codes("conv2d", values, x_codes=x_codes, w_codes=w_codes)
    pairs = {"stride": stride, "padding": padding, "dilation": dilation}
    pairs = [pair("conv2d", name, value) for name, value in pairs.items()]
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
    shape = conv2d_shape("conv2d", x, w, stride, padding, dilation, groups)
    check_terms("conv2d", spec, w.shape[1] * w.shape[2] * w.shape[3])
    return shape
