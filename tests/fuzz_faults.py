"""The faults that `fuzz_kernels` makes in legal calls.

Each takes a call and changes it; it returns whether the call must fail.
"""

import math

import numpy as np
import torch
from fuzz_cases import LAYER
from numpy_sums import output_size

MOST_PRODUCTS = 200_000
LARGE = (
    10**3,
    2**15,
    2**16,
    2**20,
    2**27,
    2**31 - 2,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**62,
    2**63 - 1,
)
HOSTILE = (-(2**63), -(2**31), -1, 0, *LARGE)
NO_INTEGERS = (2**63, 2**64, 2**100, True, 1.5, float("nan"), None, "1", (1,), (1, 2, 3), [2, None])


class TooLarge(Exception):
    """The call may be legal, and would take long."""


def with_numbers(random, call):
    """Have a number of the layer beyond what is legal, or legal and large; whether it must fail."""
    if not call.layer:
        return with_size(random, call)
    name = str(random.choice(LAYER))
    if call.is_public and random.random() < 0.3:
        call.layer[name] = NO_INTEGERS[random.integers(len(NO_INTEGERS))]
        return True
    if random.random() < 0.5:
        number = int(random.choice(np.array(HOSTILE, dtype=object)))
        if name == "groups":
            is_same = number == call.layer["groups"]
            call.layer["groups"] = number
            return not is_same and 0 not in call.tensors["w"].shape
        call.layer[name] = [number, call.layer[name][1]]
    else:  # a kernel as wide as the padded image: all wraps at once, if anything does
        for axis in (0, 1) if random.random() < 0.5 else (0,):
            taps = call.tensors["w"].shape[2 + axis]
            padding = int(random.choice(np.array(LARGE, dtype=object)))
            padding = min(padding, 2**62)
            padded = call.tensors["x"].shape[2 + axis] + 2 * padding
            call.layer["padding"] = list(call.layer["padding"])
            call.layer["dilation"] = list(call.layer["dilation"])
            call.layer["padding"][axis] = padding
            call.layer["dilation"][axis] = min((padded - 1) // max(taps - 1, 1), 2**63 - 1)
    return _must_fail(call)


def _must_fail(call):
    stride, padding, dilation, _ = call.layer.values()
    (*_, height, width), (outputs, inputs, *kernel) = (
        call.tensors["x"].shape,
        call.tensors["w"].shape,
    )
    most = 2**31 - 1
    for axis, size in enumerate((height, width)):
        numbers = stride[axis], padding[axis], dilation[axis]
        if not (1 <= numbers[0] <= most and 0 <= numbers[1] <= most and 1 <= numbers[2] <= most):
            return True
        if size + 2 * padding[axis] > most or output_size(size, kernel[axis], *numbers) < 1:
            return True
    out = [
        output_size(n, *v)
        for *v, n in zip(kernel, stride, padding, dilation, (height, width), strict=True)
    ]
    positions = call.tensors["x"].shape[0] * math.prod(out)
    if positions * outputs * inputs * math.prod(kernel) > MOST_PRODUCTS:
        raise TooLarge
    call.may_be_refused = max(padding) >= 2**12 or "winograd" in call.operator
    span = math.prod(d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    if 2**24 < span <= 2**32:
        raise TooLarge  # for the tests' time: up to the limit it runs
    return False


def with_size(random, call):
    """Have an operand of more elements than there is memory for the result of; it must fail."""
    if call.operator not in ("matmul", "float_matmul") or 0 in call.tensors["w"].shape:
        return with_object(random, call)
    x = call.tensors["x"]
    if x.numel() == 0:
        return with_object(random, call)
    call.tensors["x"] = x[:1].expand(int(random.choice([2**31, 2**40, 2**50])), -1)
    return True


def _chosen(random, call, fits=lambda t: True):
    names = [n for n, t in call.tensors.items() if t is not None and fits(t)]
    return str(random.choice(names)) if names else None


def with_less_memory(random, call):
    """Free an operand's storage, or make it some bytes smaller than it must be."""
    name = _chosen(random, call, lambda t: t.numel())
    if name is None:
        return with_object(random, call)
    call.tensors[name] = freed(call.tensors[name], int(random.choice([1, 7, 2**40])))
    return True


def freed(tensor, missing):
    """Return a view like `tensor`, of memory of its own that lacks so many bytes, or is none."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    last = tensor.storage_offset() + sum((size - 1) * stride for size, stride in sizes)
    storage = tensor.untyped_storage().clone()
    empty = torch.empty(0, dtype=tensor.dtype)
    view = empty.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())
    storage.resize_(max((last + 1) * tensor.itemsize - missing, 0))
    return view


def on_another_device(random, call):
    """Have one operand of several on the meta device."""
    if sum(t is not None for t in call.tensors.values()) < 2:
        return with_object(random, call)
    name = _chosen(random, call)
    call.tensors[name] = call.tensors[name].to("meta")
    return True


def with_object(random, call):
    """Have something in an operand's place that is none, or of another kind."""
    name = _chosen(random, call)
    tensor = call.tensors[name]
    wrong = [tensor.to(torch.complex64), tensor[None].expand(2, *[-1] * tensor.ndim)]
    if call.is_public:
        wrong += [tensor.numpy(), tensor.tolist(), None, tensor.to_sparse()]
    choice = int(random.integers(len(wrong)))
    call.tensors[name] = wrong[choice]
    if choice == 1 and call.operator in ("quantize", "rescale", "round_to_format"):
        raise TooLarge  # another shape may be legal there
    return True


FAULTS = {
    "numbers": with_numbers,
    "memory": with_less_memory,
    "device": on_another_device,
    "object": with_object,
}
