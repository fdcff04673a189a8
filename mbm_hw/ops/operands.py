"""Checks of tensors that every operator makes before it looks at a value: device, memory, room."""

import functools
import math
import os
from collections.abc import Sequence

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import is_fake
from torch.utils._python_dispatch import is_traceable_wrapper_subclass


def check_readable(operator: str, **tensors: Tensor | None):
    """Raise an error unless an operator can read `tensors`, by name; None is a tensor not given.

    Anything but a dense tensor is a TypeError. Tensors on different devices are a ValueError; as in
    torch, one without dimensions may be on the CPU. So is a tensor whose storage was freed, or is
    smaller than its shape and strides need; fakes and meta tensors have no storage to look at.
    """
    given = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    for name, tensor in given.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{operator}: {name} must be a tensor, not {type(tensor).__name__}")
        if tensor.layout != torch.strided:
            raise TypeError(f"{operator}: {name} must be dense, not of layout {tensor.layout}")
    devices = {
        tensor.device
        for tensor in given.values()
        if tensor.ndim > 0 or tensor.device.type != "cpu" or len(given) == 1
    }
    if len(devices) > 1:
        places = ", ".join(f"{name} on {tensor.device}" for name, tensor in given.items())
        raise ValueError(f"{operator}: all tensors must be on one device, not {places}")
    if not torch.compiler.is_compiling():
        for name, tensor in given.items():
            _check_memory(operator, name, tensor)


def _check_memory(operator, name, tensor):
    if tensor.is_meta or is_fake(tensor) or is_traceable_wrapper_subclass(tensor):
        return
    if tensor.numel() == 0:
        return
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    last = tensor.storage_offset() + sum((size - 1) * stride for size, stride in sizes)
    needed, held = (last + 1) * tensor.element_size(), tensor.untyped_storage().nbytes()
    if needed > held:
        raise ValueError(
            f"{operator}: {name} needs {needed} bytes of memory and has {held}: its storage was "
            "freed or made smaller"
        )


def empty_output(operator: str, x: Tensor, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Return a new tensor on x's device for an operator's output, not filled.

    More bytes than the machine has memory are a ValueError, if x is on the CPU.
    """
    check_room(operator, "the output", x.device, shape, dtype.itemsize)
    return x.new_empty(shape, dtype=dtype)


def check_room(operator: str, name: str, device: torch.device, shape: Sequence[int], itemsize: int):
    """Raise a ValueError if a tensor of this shape, on the CPU, exceeds the machine's memory."""
    needed = math.prod(shape) * itemsize
    if device.type == "cpu" and needed > _memory():
        raise ValueError(
            f"{operator}: {name}, {list(shape)}, takes {needed} bytes; this machine has {_memory()}"
        )


@functools.cache
def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
