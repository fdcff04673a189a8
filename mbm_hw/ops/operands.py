"""Checks of tensors that every operator makes before it looks at a value: device, memory, room."""

import functools
import math
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import is_fake
from torch.utils._python_dispatch import is_traceable_wrapper_subclass


def check_readable(
    operator: str, optional: Mapping[str, Tensor | None] = MappingProxyType({}), **tensors: Tensor
):
    """Raise an error unless an operator can read `tensors`, and those of `optional` that are given.

    Anything but a dense tensor is a TypeError; so is one that torch quantized. Tensors on another
    device than the first are a ValueError; as in torch, one without dimensions may be on the CPU.
    So is a tensor whose storage was freed, or is smaller than its shape and strides need; fakes and
    meta tensors have no storage to look at.
    """
    tensors |= {name: tensor for name, tensor in optional.items() if tensor is not None}
    first = None
    looks_at_memory = not torch.compiler.is_compiling()
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{operator}: {name} must be a tensor, not {type(tensor).__name__}")
        if tensor.layout is not torch.strided:
            raise TypeError(f"{operator}: {name} must be dense, not of layout {tensor.layout}")
        if tensor.is_quantized:
            raise TypeError(
                f"{operator}: {name} must be codes: the int_repr() of a quantized tensor"
            )
        device = tensor.device
        if first is None:
            first = device
        elif device != first and (tensor.ndim > 0 or device.type != "cpu"):
            given = ", ".join(f"{n} on {t.device}" for n, t in tensors.items())
            raise ValueError(f"{operator}: all tensors must be on one device, not {given}")
        if looks_at_memory and (type(tensor) in _PLAIN or _has_storage(tensor)):
            _check_memory(operator, name, tensor)


_PLAIN = (Tensor, torch.nn.Parameter)  # of which it is known, without a slow look, that they have


def _has_storage(tensor):
    return not (is_fake(tensor) or is_traceable_wrapper_subclass(tensor))


def _check_memory(operator, name, tensor):
    if tensor.is_contiguous():
        count = tensor.numel()
    else:
        count = 1 + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True))
    needed = (tensor.storage_offset() + count) * tensor.itemsize
    held = tensor.untyped_storage().nbytes()
    if needed > held and tensor.numel() and not tensor.is_meta:
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


def refuse_capture(what: object):
    """Raise a RuntimeError if a CUDA graph is being captured: nothing can be loaded then."""
    if torch.cuda.is_available() and torch.cuda.is_current_stream_capturing():
        raise RuntimeError(f"a kernel must run once before it is captured in a CUDA graph: {what}")


@functools.cache
def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
