"""Where the operators run in tests: a CPU, by each of its instruction sets, and a CUDA device."""

import contextlib

import pytest
import torch
from isas import ISAS, forced

_CUDA = ("cuda",) * torch.cuda.is_available()
DEVICES = ("cpu", *_CUDA)
BACKENDS = (*ISAS, *_CUDA)
each_backend = pytest.mark.parametrize("device", BACKENDS, indirect=True)
"""Has the fixture `device` give the CPU once for each instruction set that it has kernels for."""


@contextlib.contextmanager
def on(backend):
    """Have a backend's kernels run; gives the device that their tensors must be on."""
    if backend == "cuda":
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield torch.device("cuda", torch.cuda.current_device())
    elif backend == "cpu":
        yield torch.device("cpu")
    else:
        with forced(backend):
            yield torch.device("cpu")


def run(operator, device, *arguments, **named):
    """Return, on the CPU, what an operator gives for the arguments, their tensors on a device."""
    moved = (a.to(device) if isinstance(a, torch.Tensor) else a for a in arguments)
    return operator(*moved, **named).cpu()
