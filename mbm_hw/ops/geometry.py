"""The shapes of a convolution, for all operators that are one."""

from collections.abc import Sequence

import torch
from torch import Tensor


def conv2d_shape(operator: str, x: Tensor, w: Tensor, stride, padding, dilation, groups):
    """Return the output's shape, a list of four, or raise a ValueError that says what is wrong.

    x : [N, C, H, W]. w : [O, C / groups, kH, kW]. stride, padding, dilation : two numbers each.
    """
    shapes = f"{list(x.shape)} and {list(w.shape)}"
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"{operator} takes x [N, C, H, W] and w [O, I, kH, kW], not {shapes}")
    for name, numbers, least in (
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ):
        if len(numbers) != 2 or min(numbers) < least:
            raise ValueError(
                f"{operator}: {name} must be two numbers of at least {least}, not {list(numbers)}"
            )
    if groups < 1 or w.shape[0] % groups or x.shape[1] != w.shape[1] * groups:
        raise ValueError(
            f"{operator} takes x [N, C, H, W] and w [O, C / groups, kH, kW], "
            f"O divisible by groups, not {shapes} with groups={groups}"
        )
    out = [x.shape[0], w.shape[0]]
    for i in (0, 1):
        padded = x.shape[2 + i] + 2 * padding[i]
        extent = dilation[i] * (w.shape[2 + i] - 1) + 1
        if w.shape[2 + i] < 1 or padded < extent:
            raise ValueError(
                f"{operator}: the kernel must have 1 to as many pixels as the padded input, "
                f"not {extent} for {padded}, in {shapes}"
            )
        out.append((padded - extent) // stride[i] + 1)
    return out


def pair(operator: str, name: str, value: int | Sequence[int]) -> list[int]:
    """Return a convolution's parameter as [vertical, horizontal]."""
    numbers = [value, value] if isinstance(value, int) else list(value)
    if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers):
        raise ValueError(f"{operator}: {name} must be an integer or two, not {value!r}")
    return numbers


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
