"""The convolution of a float format's values: schema, checks, fake and CPU kernel."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.library import custom_op

from mbm_hw.multipliers import FloatSpec
from mbm_hw.ops.algorithms import DIRECT, Layer, find_algorithm
from mbm_hw.ops.conv2d import padded
from mbm_hw.ops.cpu_kernels import float_multiplier_of, run_conv2d
from mbm_hw.ops.float_values import (
    check_device_values,
    check_tensors,
    check_values,
    float_spec_values,
)
from mbm_hw.ops.geometry import conv2d_shape, pair, whole
from mbm_hw.ops.operands import empty_output
from mbm_hw.ops.rounding import round_to_format
from mbm_hw.ops.spec_values import SpecValues, float_spec_of


def float_conv2d(
    x: Tensor,
    w: Tensor,
    spec: FloatSpec | str | SpecValues,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    algorithm: str = DIRECT,
) -> Tensor:
    """Return torch's conv2d of a format's values, each product x * w as `spec` multiplies.

    x : [N, C, H, W]; w : [O, C / groups, kH, kW]; float32 values of the spec's format, any strides
        in memory. The format's subnormal numbers are taken and count as zeros, as the spec has it.
        Padding pads with +0, whose product with an infinite weight is NaN.
    spec : a float spec, its name, or what `float_values.float_spec_values` makes of one.
    stride, dilation : at least 1; padding : at least 0; one number or (vertical, horizontal).
    algorithm : `direct`, or one of `algorithms.ALGORITHMS`: then the spec's products are those of
        the transformed values. Transforms are computed in float64 and rounded to float32, values
        then to the format; an infinite or NaN one makes NaN of all that it is added to.

    Returns float32 [N, O, OH, OW]. A product has the bits of `mbm_hw.multiply`, widened to float32.
    A sum starts at +0 and adds its products one by one in float32, (channel, kernel row, kernel
    column) ascending; NaN is the quiet NaN 0x7FC00000. So neither the number of threads, the
    machine nor the memory format changes a bit. No gradient (see `nn`).

    A wrong dtype is a TypeError; a wrong shape, or a value that the format has not, a ValueError;
    for the others see `conv2d`.
    """
    values = float_spec_values(spec)
    check_tensors("float_conv2d", x, w)
    if spec is not values:
        check_device_values("float_conv2d", values, x, w)
    pairs = {"stride": stride, "padding": padding, "dilation": dilation}
    pairs = [pair("float_conv2d", name, value) for name, value in pairs.items()]
    groups = whole("float_conv2d", "groups", groups)
    if algorithm != DIRECT:
        conv2d_shape("float_conv2d", x, w, *pairs, groups)
        layer = Layer.of(w.shape, pairs[0], pairs[2], groups)
        find_algorithm(algorithm).check("float_conv2d", layer)
        return _transformed_conv2d(x, w, algorithm, *values, *pairs, groups)
    return _float_conv2d(x, w, *values, *pairs, groups)


@custom_op("mbm_hw::float_conv2d", mutates_args=(), device_types="cpu")
def _float_conv2d(
    x: Tensor,
    w: Tensor,
    family: str,
    parameters: Sequence[int],
    table: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    check_tensors("float_conv2d", x, w)
    spec = float_spec_of(SpecValues(family, parameters, table))
    shape = conv2d_shape("float_conv2d", x, w, stride, padding, dilation, groups)
    out = empty_output("float_conv2d", x, shape, x.dtype)
    check_values("float_conv2d", spec, x, w)
    run_conv2d(x, w, out, float_multiplier_of(spec), stride, padding, dilation, groups)
    return out


@_float_conv2d.register_fake
def _(
    x,
    w,
    family,
    parameters,
    table,
    stride,
    padding,
    dilation,
    groups,
):
    check_tensors("float_conv2d", x, w)
    float_spec_of(SpecValues(family, parameters, table))
    return x.new_empty(conv2d_shape("float_conv2d", x, w, stride, padding, dilation, groups))


@custom_op("mbm_hw::float_transformed_conv2d", mutates_args=())
def _transformed_conv2d(
    x: Tensor,
    w: Tensor,
    algorithm: str,
    family: str,
    parameters: Sequence[int],
    table: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    check_tensors("float_conv2d", x, w)
    values = SpecValues(family, parameters, table)
    spec = float_spec_of(values)
    shape = conv2d_shape("float_conv2d", x, w, stride, padding, dilation, groups)

    def products(x, w, stride, dilation, groups):
        x, w = (round_to_format(v.float(), spec.exponent_bits, spec.mantissa_bits) for v in (x, w))
        return _float_conv2d(x, w, *values, stride, (0, 0), dilation, groups)

    x = padded("float_conv2d", x, shape, padding)
    found, layer = find_algorithm(algorithm), Layer.of(w.shape, stride, dilation, groups)
    sums = found.sums(x, w, layer, products) / found.bilinear(layer).denominator
    return torch.where(sums.isnan(), torch.nan, sums).float()


@_transformed_conv2d.register_fake
def _(
    x,
    w,
    algorithm,
    family,
    parameters,
    table,
    *geometry,
):
    check_tensors("float_conv2d", x, w)
    return x.new_empty(conv2d_shape("float_conv2d", x, w, *geometry))
