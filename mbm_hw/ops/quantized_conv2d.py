"""The convolution of a quantised layer, float32 to float32: schema, checks, fake, kernels.

On a device without a kernel of its own it is `quantize`, `conv2d`, `rescale` and `carry_nan` one
after another; the CPU's kernel makes no sums of a whole tensor, and codes of the image only where
more than one of its tiles needs them. It sees NaN while it finds codes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.library import infer_schema

from mbm_hw.ops.carry_nan import carry_nan
from mbm_hw.ops.codes import check_spec_values, check_terms, code_dtype
from mbm_hw.ops.conv2d import conv2d
from mbm_hw.ops.cpu_kernels import FloatLayer, run_quantized_conv2d
from mbm_hw.ops.geometry import check_float32, check_one_each, conv2d_shape
from mbm_hw.ops.operands import check_readable, empty_output
from mbm_hw.ops.scaling import quantize, rescale
from mbm_hw.ops.spec_values import SpecValues
from mbm_hw.ops.terms import summands_of


def composed(
    x: Tensor,
    w: Tensor,
    bias: Tensor | None,
    x_scale: Tensor,
    w_scale: Tensor | None,
    factor: float | None,
    limit: int,
    family: str,
    parameters: Sequence[int],
    table: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """Return sums * (x_scale * w_scale) + bias in float32, rounded after each step.

    The sums are the exact ones of `conv2d` for the codes of `x` and `w`: value / scale, or value *
    factor where there is one, rounded half to even, in +-limit, infinity too; 0 for NaN. An output
    is NaN if its sum meets a NaN of `x`, as in torch's convolution, or if its scale is NaN.

    x : [N, C, H, W]; w : [O, C / groups, kH, kW]; bias : [O] or None; all float32, any strides.
    x_scale : float32 []. w_scale : float32 [O], or None for an output's largest |w| / limit, 1
        where that is 0; then NaN if a weight of the output is.
    limit : at most 2**(width - 1) - 1. family to table : a signed spec, see `spec_values`.
    stride, padding, dilation : (vertical, horizontal), as of `conv2d`.
    Returns float32 [N, O, OH, OW], contiguous. No gradient (see `nn`).
    """
    spec = SpecValues(family, parameters, table)
    _check(x, w, bias, x_scale, w_scale, limit, spec, stride, padding, dilation, groups)
    if w_scale is None:
        amax = w.abs().flatten(1).amax(1) if w.numel() else w.new_zeros(len(w))
        # In double: CUDA multiplies floats by a number's reciprocal, which may round differently.
        w_scale = (amax.double() / limit).float()
        w_scale = torch.where(w_scale == 0, 1.0, w_scale)
    multiply, dtype = factor is not None, code_dtype(spec)
    unit = x.new_full((), factor) if multiply else None
    x_codes = quantize(x, x_scale if unit is None else unit, multiply, limit, dtype)
    w_codes = quantize(w, w_scale if unit is None else unit, multiply, limit, dtype)
    sums = conv2d(x_codes, w_codes, spec, stride, padding, dilation, groups)
    y = rescale(sums, x_scale * w_scale, bias)
    carry_nan(y, x, w, stride, padding, dilation, groups)
    return y


# Not a custom_op: its wrappers cost as much as a layer of 10**5 products.
torch.library.define("mbm_hw::quantized_conv2d", infer_schema(composed, mutates_args=()))
torch.library.impl("mbm_hw::quantized_conv2d", "CompositeExplicitAutograd", composed)
quantized_conv2d = torch.ops.mbm_hw.quantized_conv2d.default


@torch.library.impl("mbm_hw::quantized_conv2d", "CPU")
def _(x, w, bias, x_scale, w_scale, factor, limit, *spec_and_layer):
    spec, layer = SpecValues(*spec_and_layer[:3]), spec_and_layer[3:]
    shape = _check(x, w, bias, x_scale, w_scale, limit, spec, *layer)
    if summands_of(spec) is not None:
        return composed(x, w, bias, x_scale, w_scale, factor, limit, *spec_and_layer)
    y = empty_output("quantized_conv2d", x, shape, x.dtype)
    how = x_scale, w_scale, factor, limit, spec
    if run_quantized_conv2d(FloatLayer(x, w, bias, y, *layer), *how):
        carry_nan(y, x, w, *layer)
    return y


@torch.library.register_fake("mbm_hw::quantized_conv2d")
def _(x, w, bias, x_scale, w_scale, factor, limit, *spec_and_layer):
    spec, layer = SpecValues(*spec_and_layer[:3]), spec_and_layer[3:]
    return x.new_empty(_check(x, w, bias, x_scale, w_scale, limit, spec, *layer))


def _check(
    x, w, bias, x_scale, w_scale, limit, spec, stride, padding, dilation, groups
) -> list[int]:
    """Return the shape of the output, or raise."""
    operator = "quantized_conv2d"
    check_spec_values(operator, spec)
    largest = (1 << (spec.width - 1)) - 1
    if not spec.signed or not 1 <= limit <= largest:
        raise ValueError(f"{operator} takes a signed spec and codes within it, not {limit}, {spec}")
    optional = {"bias": bias, "w_scale": w_scale, "table": spec.table}
    check_readable(operator, optional, x=x, w=w, x_scale=x_scale)
    check_float32(operator, x=x, w=w, bias=bias, x_scale=x_scale, w_scale=w_scale)
    shape = conv2d_shape(operator, x, w, stride, padding, dilation, groups)
    if x_scale.ndim != 0:
        raise ValueError(f"{operator} takes one x_scale, not {list(x_scale.shape)}")
    check_one_each(operator, w, bias=bias, w_scale=w_scale)
    check_terms(operator, spec, w.shape[1] * w.shape[2] * w.shape[3])
    return shape
