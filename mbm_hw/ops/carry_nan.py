"""NaN through a convolution of integer codes, which have none: schema, fake and CPU kernel.

A NaN has code 0. An operator or layer that quantises calls `carry_nan` on its output afterwards.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.library import infer_schema
from torch.nn import functional

from mbm_hw.ops.geometry import check_float32, conv2d_shape
from mbm_hw.ops.operands import check_readable


def carry_nan_on_cpu(
    y: Tensor,
    x: Tensor,
    w: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> None:
    """Set the outputs `y` of a convolution to NaN, in place, whose sums meet a NaN of `x`.

    y : float32 [N, O, OH, OW]; x : float32 [N, C, H, W]; w : [O, C / groups, kH, kW], only its
        shape counts. stride, padding, dilation : (vertical, horizontal), as of `conv2d`.
    Where `x` has no NaN, that is all that is looked at. On a CUDA device nothing waits for it.
    """
    _check(y, x, w, stride, padding, dilation, groups)
    nan = x.isnan()
    if y.numel() == 0 or not nan.any():
        return
    met = nan.unflatten(1, (groups, -1)).any(2).float()
    met = functional.pad(met, (padding[1], padding[1], padding[0], padding[0]))
    met = functional.max_pool2d(met, tuple(w.shape[2:]), stride, 0, dilation)
    y.unflatten(1, (groups, -1)).masked_fill_(met[:, :, None] > 0, torch.nan)


torch.library.define("mbm_hw::carry_nan", infer_schema(carry_nan_on_cpu, mutates_args=("y",)))
torch.library.impl("mbm_hw::carry_nan", "CPU", carry_nan_on_cpu)
carry_nan = torch.ops.mbm_hw.carry_nan.default


@torch.library.register_fake("mbm_hw::carry_nan")
def _(y, x, w, *layer):
    _check(y, x, w, *layer)


def _check(y, x, w, stride, padding, dilation, groups):
    operator = "carry_nan"
    check_readable(operator, y=y, x=x, w=w)
    check_float32(operator, y=y, x=x)
    shape = conv2d_shape(operator, x, w, stride, padding, dilation, groups)
    if list(y.shape) != shape:
        raise ValueError(f"{operator} takes y {shape}, not {list(y.shape)}")
