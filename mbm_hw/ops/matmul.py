"""The matrix product of codes: schema, checks, fake and CPU kernel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mbm_hw.multipliers import IntegerSpec
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.ops.codes import (
    check_codes,
    check_operands,
    check_terms,
    checked_values,
    sum_dtype,
)
from mbm_hw.ops.conv2d import conv2d
from mbm_hw.ops.cpu_kernels import multiplier_of, run_conv2d
from mbm_hw.ops.geometry import matmul_shape
from mbm_hw.ops.operands import empty_output
from mbm_hw.ops.spec_values import SpecValues
from mbm_hw.ops.terms import run_products


def matmul(
    x_codes: Tensor,
    w_codes: Tensor,
    spec: IntegerSpec | str | SpecValues,
    algorithm: str = DIRECT,
) -> Tensor:
    """Return the matrix product of integer codes, each product x * w as `spec` multiplies.

    x_codes : [M, K]; w_codes : [K, N]; `codes.code_dtype(spec)`, from spec.operand_min to
        spec.operand_max; any strides in memory. x is the product's first operand.
    spec : as of `conv2d`. algorithm : `direct` or `strassen`; as of `conv2d`, [M, K] being an image
        of M x 1 pixels.
    Returns the exact sums, `codes.sum_dtype(spec)` [M, N]. No gradient (see `nn`).

    A wrong dtype is a TypeError; a wrong shape or code a ValueError, and so is K > 65,536 where
    sums are int32; for the others see `conv2d`.
    """
    values = checked_values("matmul", spec, x_codes, w_codes)
    if algorithm != DIRECT:
        _check(x_codes, w_codes, values)
        image, kernel = x_codes.t()[None, :, :, None], w_codes.t()[:, :, None, None]
        return conv2d(image, kernel, values, algorithm=algorithm)[0, :, :, 0].t()
    return _matmul(x_codes, w_codes, *values)


@torch.library.custom_op("mbm_hw::matmul", mutates_args=(), device_types="cpu")
def _matmul(
    x: Tensor,
    w: Tensor,
    family: str,
    parameters: Sequence[int],
    table: Tensor | None,
) -> Tensor:
    spec = SpecValues(family, parameters, table)
    out = empty_output("matmul", x, _check(x, w, spec), sum_dtype(spec))
    check_codes("matmul", spec, x=x, w=w)
    run_products(x, w, out, spec, _run)
    return out


def _run(x, w, out, spec):
    # A convolution of one pixel. The longer side of `out` becomes the image's row: what a weight's
    # table row is used for.
    if x.shape[0] >= w.shape[1]:
        image, kernel, sums, multiplier = x.t(), w.t(), out.t(), multiplier_of(spec)
    else:
        image, kernel, sums, multiplier = w, x, out, multiplier_of(spec, swapped=True)
    run_conv2d(
        image[None, :, None, :],
        kernel[:, :, None, None],
        sums[None, :, None, :],
        multiplier,
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=1,
    )


@_matmul.register_fake
def _(x, w, family, parameters, table):
    spec = SpecValues(family, parameters, table)
    return x.new_empty(_check(x, w, spec), dtype=sum_dtype(spec))


def _check(x, w, spec) -> list[int]:
    """Return the shape of the output, or raise."""
    check_operands("matmul", spec, x, w)
    shape = matmul_shape("matmul", x, w)
    check_terms("matmul", spec, x.shape[1])
    return shape
