"""The shapes of a convolution, for all operators that are one."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

MAX_NUMBER = 2**31 - 1
"""Of strides, paddings, dilations, a padded side's pixels and a sum's terms: products of two fit 64
bits."""
MAX_ELEMENTS = 2**60


def conv2d_shape(operator: str, x: Tensor, w: Tensor, stride, padding, dilation, groups):
    """Return the output's shape, a list of four, or raise a ValueError that says what is wrong.

    x : [N, C, H, W]. w : [O, C / groups, kH, kW]. stride, padding, dilation : two numbers each.
    """
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(
            f"{operator} takes x [N, C, H, W] and w [O, I, kH, kW], not {_shapes(x, w)}"
        )
    (images, channels, *size), (outputs, inputs, *kernel) = x.shape, w.shape
    for name, numbers, least in (
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if len(numbers) != 2 or min(numbers) < least or max(numbers) > MAX_NUMBER:
            raise ValueError(
                f"{operator}: {name} must be two numbers of at most {MAX_NUMBER} and at least "
                f"{least}, not {list(numbers)}"
            )
    if groups < 1 or outputs % groups or channels != inputs * groups:
        raise ValueError(
            f"{operator} takes x [N, C, H, W] and w [O, C / groups, kH, kW], "
            f"O divisible by groups, not {_shapes(x, w)} with groups={groups}"
        )
    out = [images, outputs]
    for i in (0, 1):
        padded = size[i] + 2 * padding[i]
        extent = dilation[i] * (kernel[i] - 1) + 1
        if padded > MAX_NUMBER:
            raise ValueError(
                f"{operator}: a padded image has at most {MAX_NUMBER} pixels to a side, not "
                f"{padded}"
            )
        if kernel[i] < 1 or padded < extent:
            raise ValueError(
                f"{operator}: the kernel must have 1 to as many pixels as the padded input, "
                f"not {extent} for {padded}, in {_shapes(x, w)}"
            )
        out.append((padded - extent) // stride[i] + 1)
    _check_sizes(operator, inputs * kernel[0] * kernel[1], out)
    return out


def matmul_shape(operator: str, x: Tensor, w: Tensor) -> list[int]:
    """Return [M, N] for x [M, K] and w [K, N], or raise a ValueError that says what is wrong."""
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[0]:
        raise ValueError(f"{operator} takes x [M, K] and w [K, N], not {_shapes(x, w)}")
    out = [x.shape[0], w.shape[1]]
    if max(out) > MAX_NUMBER:
        raise ValueError(f"{operator}: M and N are at most {MAX_NUMBER}, not {out}")
    _check_sizes(operator, x.shape[1], out)
    return out


def _shapes(x, w):
    return f"{list(x.shape)} and {list(w.shape)}"


def _check_sizes(operator: str, terms: int, out: Sequence[int]):
    if terms > MAX_NUMBER:
        raise ValueError(f"{operator} sums at most {MAX_NUMBER} products, not {terms}")
    if math.prod(out) > MAX_ELEMENTS:
        raise ValueError(
            f"{operator}: an output has at most {MAX_ELEMENTS} elements, not those of {list(out)}"
        )


def pair(operator: str, name: str, value: int | Sequence[int]) -> list[int]:
    """Return a convolution's parameter as [vertical, horizontal]."""
    numbers = list(value) if isinstance(value, (tuple, list)) else [value, value]
    if len(numbers) != 2 or not all(map(_is_integer, numbers)):
        raise ValueError(f"{operator}: {name} must be an integer or two, not {value!r}")
    return [_plain(operator, name, number) for number in numbers]


def whole(operator: str, name: str, value: int) -> int:
    """Return a convolution's parameter that is one number."""
    if not _is_integer(value):
        raise ValueError(f"{operator}: {name} must be an integer, not {value!r}")
    return _plain(operator, name, value)


def _is_integer(value):
    return isinstance(value, (int, torch.SymInt, np.integer)) and not isinstance(value, bool)


def _plain(operator, name, number):
    if abs(number) > MAX_NUMBER:  # schemas take no more than 64 bits
        raise ValueError(f"{operator}: {name} must be at most {MAX_NUMBER}, not {number}")
    return int(number) if isinstance(number, np.integer) else number


def check_float32(operator: str, **tensors: Tensor | None):
    """Raise a TypeError that names the first of `tensors` that is not float32, if there is one."""
    for name, tensor in tensors.items():
        if tensor is not None and tensor.dtype != torch.float32:
            raise TypeError(f"{operator}: {name} must be torch.float32, not {tensor.dtype}")


def check_one_each(operator: str, w: Tensor, **tensors: Tensor | None):
    """Raise a ValueError unless each of `tensors` has one element for each of w's outputs."""
    for name, tensor in tensors.items():
        if tensor is not None and tensor.shape != w.shape[:1]:
            shapes = f"{list(tensor.shape)} for {list(w.shape)}"
            raise ValueError(
                f"{operator} takes {name} with one element for each output, not {shapes}"
            )
