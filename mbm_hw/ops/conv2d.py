"""The convolution of codes: schema, checks, fake and CPU kernel."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from mbm_hw.multipliers import IntegerSpec
from mbm_hw.ops.algorithms import DIRECT, Layer, find_algorithm
from mbm_hw.ops.algorithms.integers import check_transformable
from mbm_hw.ops.codes import (
    check_codes,
    check_operands,
    check_terms,
    checked_values,
    code_dtype,
    sum_dtype,
)
from mbm_hw.ops.cpu_kernels import multiplier_of, run_conv2d
from mbm_hw.ops.geometry import conv2d_shape, pair, whole
from mbm_hw.ops.operands import check_room, empty_output
from mbm_hw.ops.spec_values import SpecValues
from mbm_hw.ops.terms import run_products


def conv2d(
    x_codes: Tensor,
    w_codes: Tensor,
    spec: IntegerSpec | str | SpecValues,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    algorithm: str = DIRECT,
) -> Tensor:
    """Return torch's conv2d of integer codes, each product x * w as `spec` multiplies, sums exact.

    x_codes : [N, C, H, W]; w_codes : [O, C / groups, kH, kW]; `codes.code_dtype(spec)`, from
        spec.operand_min to spec.operand_max; any strides in memory. x is the product's first
        operand. Padding pads with code 0, whose products are the spec's (a table's may be nonzero).
    spec : an integer spec of 4 to 16 bits, its name, or what `codes.spec_values` makes of one; with
        that, the values of codes are not checked on a CUDA device, nor with an algorithm but the
        direct one.
    stride, dilation : at least 1; padding : at least 0; one number or (vertical, horizontal).
    algorithm : `direct`, or one of `algorithms.ALGORITHMS`: then the spec's products are those of
        the transformed codes, which must be operands. So `spec` is signed, codes are at most
        spec.operand_max // gain in size, and the sums are int64, those of torch's conv2d times the
        algorithm's denominator: see `algorithms.integers`, which has both.
    Returns `codes.sum_dtype(spec)` [N, O, OH, OW]. No gradient: codes are integers (see `nn`).

    A wrong dtype is a TypeError; a wrong shape, value or code a ValueError, and so are more than
    65,536 terms (C / groups * kH * kW) where sums are int32, tensors on different devices, tensors
    without their memory, numbers or padded sides above 2**31 - 1, and outputs beyond the machine's
    memory.
    """
    values = checked_values("conv2d", spec, x_codes, w_codes)
    pairs = {"stride": stride, "padding": padding, "dilation": dilation}
    pairs = [pair("conv2d", name, value) for name, value in pairs.items()]
    groups = whole("conv2d", "groups", groups)
    if algorithm != DIRECT:
        _check(x_codes, w_codes, values, *pairs, groups)
        layer = Layer.of(w_codes.shape, pairs[0], pairs[2], groups)
        find_algorithm(algorithm).check("conv2d", layer)
        if spec is not values:
            check_transformable(
                "conv2d", algorithm, layer, values, x_codes=x_codes, w_codes=w_codes
            )
        return _transformed_conv2d(x_codes, w_codes, algorithm, *values, *pairs, groups)
    return _conv2d(x_codes, w_codes, *values, *pairs, groups)


@torch.library.custom_op("mbm_hw::conv2d", mutates_args=(), device_types="cpu")
def _conv2d(
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
    spec = SpecValues(family, parameters, table)
    shape = _check(x, w, spec, stride, padding, dilation, groups)
    out = empty_output("conv2d", x, shape, sum_dtype(spec))
    check_codes("conv2d", spec, x=x, w=w)

    def run(x, w, out, spec):
        run_conv2d(x, w, out, multiplier_of(spec), stride, padding, dilation, groups)

    run_products(x, w, out, spec, run)
    return out


@_conv2d.register_fake
def _(x, w, family, parameters, table, stride, padding, dilation, groups):
    spec = SpecValues(family, parameters, table)
    shape = _check(x, w, spec, stride, padding, dilation, groups)
    return x.new_empty(shape, dtype=sum_dtype(spec))


@torch.library.custom_op("mbm_hw::transformed_conv2d", mutates_args=())
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
    spec = SpecValues(family, parameters, table)
    dtype = code_dtype(spec)

    def products(x, w, stride, dilation, groups):
        return _conv2d(x.to(dtype), w.to(dtype), *spec, stride, (0, 0), dilation, groups)

    shape = _check(x, w, spec, stride, padding, dilation, groups)
    x = padded("conv2d", x, shape, padding)
    layer = Layer.of(w.shape, stride, dilation, groups)
    return find_algorithm(algorithm).sums(x, w, layer, products).to(torch.int64)


@_transformed_conv2d.register_fake
def _(x, w, algorithm, family, parameters, table, *geometry):
    spec = SpecValues(family, parameters, table)
    return x.new_empty(_check(x, w, spec, *geometry), dtype=torch.int64)


def padded(operator: str, x: Tensor, shape: Sequence[int], padding: Sequence[int]) -> Tensor:
    """Return an algorithm's image, padded with zeros; shape : that of the output.

    A ValueError if the image or the output, in float64, exceeds the machine's memory.
    """
    size = [x.shape[2 + i] + 2 * padding[i] for i in (0, 1)]
    check_room(operator, "the padded image", x.device, [*x.shape[:2], *size], 8)
    check_room(operator, "the output", x.device, shape, 8)
    return functional.pad(x, (padding[1], padding[1], padding[0], padding[0]))


def _check(x, w, spec, stride, padding, dilation, groups) -> list[int]:
    """Return the shape of the output, or raise."""
    check_operands("conv2d", spec, x, w)
    shape = conv2d_shape("conv2d", x, w, stride, padding, dilation, groups)
    check_terms("conv2d", spec, w.shape[1] * w.shape[2] * w.shape[3])
    return shape
