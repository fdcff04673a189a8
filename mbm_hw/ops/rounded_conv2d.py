"""The convolution of a layer with a float spec: schema, checks, fake, kernels.

On a device without a kernel of its own it is `round_to_format` and `float_conv2d`, one after the
other; the CPU's kernel makes no rounded tensor.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.library import infer_schema

from mbm_hw.ops.cpu_kernels import FloatLayer, run_rounded_conv2d
from mbm_hw.ops.float_conv2d import float_conv2d
from mbm_hw.ops.geometry import check_float32, check_one_each, conv2d_shape
from mbm_hw.ops.operands import check_readable, empty_output
from mbm_hw.ops.rounding import round_to_format
from mbm_hw.ops.spec_values import SpecValues, float_spec_of


def composed(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    family: str,
    parameters: Sequence[int],
    table: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Return the sums of `float_conv2d` for `x` and `w` rounded to the format, plus bias.

    x : [N, C, H, W]; w : [O, C / groups, kH, kW]; bias : [O] or None; all float32, any strides.
    family to table : a float spec, see `spec_values`.
    stride, padding, dilation : (vertical, horizontal), as of `float_conv2d`.
    Returns float32 [N, O, OH, OW], contiguous; NaN is the quiet NaN 0x7FC00000. No gradient.
    """
    values = SpecValues(family, parameters, table)
    _check(x, w, bias, values, stride, padding, dilation, groups)
    spec = float_spec_of(values)
    x, w = (round_to_format(v, spec.exponent_bits, spec.mantissa_bits) for v in (x, w))
    sums = float_conv2d(x, w, values, stride, padding, dilation, groups)
    if bias is None:
        return sums
    y = sums.add_(bias[:, None, None])
    return torch.where(y.isnan(), torch.nan, y)


# Not a custom_op: its wrappers cost as much as a layer of 10**5 products.
torch.library.define("mbm_hw::rounded_conv2d", infer_schema(composed, mutates_args=()))
torch.library.impl("mbm_hw::rounded_conv2d", "CompositeExplicitAutograd", composed)
rounded_conv2d = torch.ops.mbm_hw.rounded_conv2d.default


@torch.library.impl("mbm_hw::rounded_conv2d", "CPU")
def _(x, w, bias, *spec_and_layer):
    values, layer = SpecValues(*spec_and_layer[:3]), spec_and_layer[3:]
    y = empty_output("rounded_conv2d", x, _check(x, w, bias, values, *layer), x.dtype)
    run_rounded_conv2d(FloatLayer(x, w, bias, y, *layer), float_spec_of(values))
    return y


@torch.library.register_fake("mbm_hw::rounded_conv2d")
def _(x, w, bias, *spec_and_layer):
    values, layer = SpecValues(*spec_and_layer[:3]), spec_and_layer[3:]
    return x.new_empty(_check(x, w, bias, values, *layer))


def _check(x, w, bias, values, stride, padding, dilation, groups) -> list[int]:
    """Return the shape of the output, or raise."""
    operator = "rounded_conv2d"
    float_spec_of(values)
    check_readable(operator, {"bias": bias}, x=x, w=w)
    check_float32(operator, x=x, w=w, bias=bias)
    shape = conv2d_shape(operator, x, w, stride, padding, dilation, groups)
    check_one_each(operator, w, bias=bias)
    return shape
