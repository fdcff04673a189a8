"""The matrix product of a float format's values: schema, checks, fake and CPU kernel."""

from collections.abc import Sequence

from torch import Tensor
from torch.library import custom_op

from mbm_hw.multipliers import FloatSpec
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.ops.cpu_kernels import float_multiplier_of, run_conv2d
from mbm_hw.ops.float_conv2d import float_conv2d
from mbm_hw.ops.float_values import (
    check_device_values,
    check_tensors,
    check_values,
    float_spec_values,
)
from mbm_hw.ops.geometry import matmul_shape
from mbm_hw.ops.operands import empty_output
from mbm_hw.ops.spec_values import SpecValues, float_spec_of


def float_matmul(
    x: Tensor, w: Tensor, spec: FloatSpec | str | SpecValues, algorithm: str = DIRECT
) -> Tensor:
    """Return the matrix product of a format's values, each product x * w as `spec` multiplies.

    x : [M, K]; w : [K, N]; float32 values of the spec's format, any strides in memory.
    algorithm : `direct` or `strassen`; as of `float_conv2d`, [M, K] being an image of M x 1 pixels.
    Returns float32 [M, N]; sums, k ascending, and errors are as those of `float_conv2d`.
    """
    values = float_spec_values(spec)
    check_tensors("float_matmul", x, w)
    if spec is not values:
        check_device_values("float_matmul", values, x, w)
    if algorithm != DIRECT:
        _check(x, w)
        image, kernel = x.t()[None, :, :, None], w.t()[:, :, None, None]
        return float_conv2d(image, kernel, values, algorithm=algorithm)[0, :, :, 0].t()
    return _float_matmul(x, w, *values)


@custom_op("mbm_hw::float_matmul", mutates_args=(), device_types="cpu")
def _float_matmul(
    x: Tensor,
    w: Tensor,
    family: str,
    parameters: Sequence[int],
    table: Tensor | None,
) -> Tensor:
    spec = float_spec_of(SpecValues(family, parameters, table))
    out = empty_output("float_matmul", x, _check(x, w), x.dtype)
    check_values("float_matmul", spec, x[None, None], w[None, None])
    # A convolution of one pixel, the longer side of `out` the image's row.
    swapped = len(x) < w.shape[1]
    image, kernel, sums = (w, x, out) if swapped else (x.t(), w.t(), out.t())
    run_conv2d(
        image[None, :, None, :],
        kernel[:, :, None, None],
        sums[None, :, None, :],
        float_multiplier_of(spec, swapped),
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=1,
    )
    return out


@_float_matmul.register_fake
def _(x, w, family, parameters, table):
    float_spec_of(SpecValues(family, parameters, table))
    return x.new_empty(_check(x, w))


def _check(x, w) -> list[int]:
    """Return the shape of the output, or raise."""
    check_tensors("float_matmul", x, w)
    return matmul_shape("float_matmul", x, w)
