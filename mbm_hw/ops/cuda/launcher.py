"""Loading kernels and launching them on torch's streams."""

import contextlib
import functools

import torch

from mbm_hw.ops.cuda.compiler import Variant, compiled, cuda_core
from mbm_hw.ops.operands import refuse_capture


def launch(
    variant: Variant,
    device: torch.device,
    grid: tuple[int, ...],
    threads: int,
    shared_bytes: int,
    arguments: tuple,
    name: str = "conv2d",
):
    """Launch the kernel called `name` on the device's current stream.

    arguments : tensors of the device, or None for a null pointer, and NumPy scalars of the
    parameters' types; a tensor elsewhere is a ValueError. Nothing waits for the kernel.
    """
    core = cuda_core()
    with _current(device):
        kernel = _kernel(variant, name, device.index, shared_bytes)
        config = core.LaunchConfig(grid=grid, block=threads, shmem_size=shared_bytes)
        arguments = tuple(_pointer(argument, device) for argument in arguments)
        stream = core.Stream.from_handle(torch.cuda.current_stream(device).cuda_stream)
        core.launch(stream, config, kernel, *arguments)


def resources(
    variant: Variant, device: torch.device, threads: int, shared_bytes: int, name: str = "conv2d"
) -> dict[str, int]:
    """Return the registers that a thread takes, and how many blocks a multiprocessor holds."""
    with _current(device):
        kernel = _kernel(variant, name, device.index, shared_bytes)
        blocks = kernel.occupancy.max_active_blocks_per_multiprocessor(threads, shared_bytes)
        return {"registers": kernel.attributes.num_regs, "blocks": blocks}


@contextlib.contextmanager
def _current(device):
    """Make the device current, for torch and for the driver: to it, a new thread has none."""
    with torch.cuda.device(device):
        cuda_core().Device(device.index).set_current()
        yield


def _pointer(argument, device):
    if argument is None:
        return 0
    if not isinstance(argument, torch.Tensor):
        return argument
    if argument.device != device:
        raise ValueError(f"all tensors must be on {device}, not one on {argument.device}")
    return argument.data_ptr()


@functools.cache
def _kernel(variant, name, device_index, shared_bytes):
    refuse_capture(variant)
    core = cuda_core()
    major, minor = torch.cuda.get_device_capability(device_index)
    kernel = core.ObjectCode.from_cubin(compiled(variant, f"sm_{major}{minor}")).get_kernel(name)
    _allow_shared_memory(kernel, variant, device_index, shared_bytes)
    return kernel


def _allow_shared_memory(kernel, variant, device_index, shared_bytes):
    """Let a kernel have more shared memory than 48 KiB; cuda-core only reads the attribute."""
    from cuda.bindings import driver

    attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    device = driver.CUdevice(device_index)
    (error,) = driver.cuKernelSetAttribute(attribute, shared_bytes, kernel.handle, device)
    if error:
        raise RuntimeError(
            f"{variant}: a block cannot have {shared_bytes} bytes of shared memory: {error.name}"
        )
