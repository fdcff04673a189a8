"""Between float32 and codes, and sums and float32: schema, checks, fakes and CPU kernels."""

import torch
from torch import Tensor

from mbm_hw.ops.cpu_kernels import run_quantize, run_rescale
from mbm_hw.ops.geometry import check_float32
from mbm_hw.ops.operands import check_readable


@torch.library.custom_op("mbm_hw::quantize", mutates_args=(), device_types="cpu")
def quantize(x: Tensor, scale: Tensor, multiply: bool, limit: int, dtype: torch.dtype) -> Tensor:
    """Return `x` / `scale` (multiply: `x` * `scale`) as codes, rounded half to even, in +-`limit`.

    x : float32, any shape. scale : float32; one element, or one for each x[i]. NaN becomes 0.
    limit : at most 32,767. dtype : int8 or int16. Returns a tensor of x's shape.
    """
    _check_quantize(x, scale, limit, dtype)
    codes = torch.empty_like(x, dtype=dtype)
    dense = codes.stride() == x.stride() and (scale.numel() == 1 or x.is_contiguous())
    if not dense:
        x, codes = x.contiguous(), torch.empty(x.shape, dtype=dtype)
    run_quantize(x, scale.reshape(-1).contiguous(), multiply, limit, codes)
    return codes


@quantize.register_fake
def _(x, scale, multiply, limit, dtype):
    _check_quantize(x, scale, limit, dtype)
    codes = torch.empty_like(x, dtype=dtype)
    dense = codes.stride() == x.stride() and (scale.numel() == 1 or x.is_contiguous())
    return codes if dense else x.new_empty(x.shape, dtype=dtype)


@torch.library.custom_op("mbm_hw::rescale", mutates_args=(), device_types="cpu")
def rescale(sums: Tensor, scale: Tensor, bias: Tensor | None) -> Tensor:
    """Return sums * scale + bias in float32, rounded after each step.

    sums : int32 or int64 [N, C, ...]. scale, bias : float32 [C]. Returns float32 of its shape.
    """
    _check_rescale(sums, scale, bias)
    sums = sums.contiguous()
    y = torch.empty(sums.shape, dtype=torch.float32)
    run_rescale(sums, scale.contiguous(), bias, y)
    return y


@rescale.register_fake
def _(sums, scale, bias):
    _check_rescale(sums, scale, bias)
    return sums.new_empty(sums.shape, dtype=torch.float32)


def _check_quantize(x, scale, limit, dtype):
    check_readable("quantize", x=x, scale=scale)
    if (x.dtype, scale.dtype) != (torch.float32, torch.float32):
        raise TypeError(f"quantize takes float32, not {x.dtype} and {scale.dtype}")
    if dtype not in (torch.int8, torch.int16) or not 1 <= limit <= torch.iinfo(dtype).max:
        raise ValueError(f"quantize makes int8 or int16 codes within them, not {limit} in {dtype}")
    if scale.numel() != 1 and (x.ndim == 0 or scale.numel() != x.shape[0]):
        shapes = f"{list(scale.shape)} for {list(x.shape)}"
        raise ValueError(f"quantize takes one scale, or one for each row, not {shapes}")


def _check_rescale(sums, scale, bias):
    check_readable("rescale", {"bias": bias}, sums=sums, scale=scale)
    if sums.dtype not in (torch.int32, torch.int64):
        raise TypeError(f"rescale takes sums in int32 or int64, not {sums.dtype}")
    check_float32("rescale", scale=scale, bias=bias)
    channels = sums.shape[1:2]
    if sums.ndim < 2 or scale.shape != channels or (bias is not None and bias.shape != channels):
        raise ValueError(f"rescale takes sums [N, C, ...], scale and bias [C]: {list(sums.shape)}")
