"""The operators' CUDA kernels, all registered here.

They take and give what the CPU's do, bit for bit. What a kernel cannot do is an error: nothing is
moved to the CPU. They do not look at the values of operands, which would make the host wait for the
device; `check_device_codes` and `check_device_values` do, where an operator is called with a spec.
Operands outside a spec's give other sums, and touch no memory but the tensors'.
"""

import torch

from mbm_hw.ops import scaling
from mbm_hw.ops.carry_nan import _check as check_carry_nan
from mbm_hw.ops.codes import sum_dtype
from mbm_hw.ops.conv2d import _check as check_conv2d
from mbm_hw.ops.conv2d import _conv2d
from mbm_hw.ops.cuda.convolution import (
    capability,
    multiprocessors,
    run_conv2d,
    shared_limit,
)
from mbm_hw.ops.cuda.multiprocessor import Multiprocessor, multiprocessor
from mbm_hw.ops.cuda.products import Products, float_products, integer_products
from mbm_hw.ops.cuda.scaling import (
    run_carry_nan,
    run_quantize,
    run_rescale,
    run_round_to_format,
    value_outside_format,
)
from mbm_hw.ops.cuda.tensor_cores import fastest_products
from mbm_hw.ops.float_conv2d import _float_conv2d
from mbm_hw.ops.float_matmul import _check as check_float_matmul
from mbm_hw.ops.float_matmul import _float_matmul
from mbm_hw.ops.float_values import VALUE_OUTSIDE_FORMAT, check_tensors
from mbm_hw.ops.geometry import conv2d_shape
from mbm_hw.ops.matmul import _check as check_matmul
from mbm_hw.ops.matmul import _matmul
from mbm_hw.ops.rounding import _check as check_round_to_format
from mbm_hw.ops.scaling import _check_quantize, _check_rescale
from mbm_hw.ops.spec_values import SpecValues, float_spec_of
from mbm_hw.ops.terms import run_products

VALUE_OUTSIDE_FORMAT["cuda"] = value_outside_format

_POINTWISE = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


@_conv2d.register_kernel("cuda")
def conv2d(x, w, family, parameters, table, stride, padding, dilation, groups):
    spec = SpecValues(family, parameters, table)
    shape = check_conv2d(x, w, spec, stride, padding, dilation, groups)
    out = x.new_empty(shape, dtype=sum_dtype(spec))
    sizes = out[:, :1].numel(), w.shape[0] // groups, groups

    def run(x, w, out, spec):
        for products in chosen_products(spec, w[:1].numel(), sizes, x.device):
            table = products.table(spec, x.device)
            run_conv2d(x, w, out, products, table, stride, padding, dilation, groups)

    run_products(x, w, out, spec, run)
    return out


@_matmul.register_kernel("cuda")
def matmul(x, w, family, parameters, table):
    spec = SpecValues(family, parameters, table)
    out = x.new_empty(check_matmul(x, w, spec), dtype=sum_dtype(spec))
    run_products(x, w, out, spec, _sum_up)
    return out


def _sum_up(x, w, out, spec):
    # A convolution of one pixel, the longer side of `out` its positions.
    swapped = len(x) < w.shape[1]
    for products in chosen_products(spec, len(w), (max(out.shape), min(out.shape), 1), x.device):
        _run_matmul(x, w, out, products, products.table(spec, x.device, swapped))


@_float_conv2d.register_kernel("cuda")
def float_conv2d(x, w, family, parameters, table, stride, padding, dilation, groups):
    check_tensors("float_conv2d", x, w)
    products = float_products(float_spec_of(SpecValues(family, parameters, table)))
    out = x.new_empty(conv2d_shape("float_conv2d", x, w, stride, padding, dilation, groups))
    run_conv2d(x, w, out, products, None, stride, padding, dilation, groups)
    return out


@_float_matmul.register_kernel("cuda")
def float_matmul(x, w, family, parameters, table):
    products = float_products(float_spec_of(SpecValues(family, parameters, table)))
    out = x.new_empty(check_float_matmul(x, w))
    _run_matmul(x, w, out, products, None)
    return out


@scaling.quantize.register_kernel("cuda")
def quantize(x, scale, multiply, limit, dtype):
    _check_quantize(x, scale, limit, dtype)
    codes = torch.empty_like(x, dtype=dtype)
    if codes.stride() != x.stride() or (scale.numel() != 1 and not x.is_contiguous()):
        x = x.contiguous()
        codes = torch.empty_like(x, dtype=dtype)
    run_quantize(x, scale.to(x.device).contiguous(), multiply, limit, codes)
    return codes


def carry_nan(y, x, w, stride, padding, dilation, groups):
    check_carry_nan(y, x, w, stride, padding, dilation, groups)
    layer = w.shape[2:], stride, padding, dilation, groups
    if y.is_contiguous():
        run_carry_nan(y, x, *layer)
    else:
        adjoining = y.contiguous()
        run_carry_nan(adjoining, x, *layer)
        y.copy_(adjoining)


torch.library.impl("mbm_hw::carry_nan", "CUDA", carry_nan)


@torch.library.register_kernel("mbm_hw::round_to_format", "cuda")
def round_to_format(x, exponent_bits, mantissa_bits):
    check_round_to_format(x, exponent_bits, mantissa_bits)
    x = x.contiguous()
    rounded = torch.empty_like(x)
    run_round_to_format(x, rounded, exponent_bits, mantissa_bits)
    return rounded


@scaling.rescale.register_kernel("cuda")
def rescale(sums, scale, bias):
    _check_rescale(sums, scale, bias)
    sums = sums.contiguous()
    y = torch.empty_like(sums, dtype=torch.float32)
    bias = None if bias is None else bias.contiguous()
    run_rescale(sums, scale.contiguous(), bias, y)
    return y


def chosen_products(
    spec: SpecValues, terms: int, sizes: tuple[int, int, int], device: torch.device
) -> tuple[Products, ...]:
    """Return the kernels that sum up an integer spec's products on a device, one after another.

    The first writes sums, others add to them. terms : of a sum. sizes : positions, outputs of a
    group, groups.
    """
    if 0 in (terms, *sizes):
        return (integer_products(spec, shared_limit(device)),)
    processor = device_multiprocessor(device)
    return fastest_products(spec, terms, sizes, processor, multiprocessors(device))


def device_multiprocessor(device) -> Multiprocessor:
    """Return what one of the device's multiprocessors can do in a clock."""
    return multiprocessor(capability(device), shared_limit(device))


def _run_matmul(x, w, out, products, table):
    longer = len(x) >= w.shape[1]
    image, kernel, sums = (x.t(), w.t(), out.t()) if longer else (w, x, out)
    image, kernel, sums = image[None, :, None], kernel[:, :, None, None], sums[None, :, None]
    run_conv2d(image, kernel, sums, products, table, **_POINTWISE)
