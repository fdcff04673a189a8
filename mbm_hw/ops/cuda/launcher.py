"""Loading kernels and launching them on torch's streams."""

import functools

import torch

from mbm_hw.ops.cuda.compiler import Variant, compiled, cuda_core


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
    with torch.cuda.device(device):
        kernel = _kernel(variant, name, device.index, shared_bytes)
        config = core.LaunchConfig(grid=grid, block=threads, shmem_size=shared_bytes)
        arguments = tuple(_pointer(argument, device) for argument in arguments)
        core.launch(torch.cuda.current_stream(device), config, kernel, *arguments)


def resources(
    variant: Variant, device: torch.device, threads: int, shared_bytes: int, name: str = "conv2d"
) -> dict[str, int]:
    """Return the registers that a thread takes, and how many blocks a multiprocessor holds."""
    with torch.cuda.device(device):
        kernel = _kernel(variant, name, device.index, shared_bytes)
        blocks = kernel.occupancy.max_active_blocks_per_multiprocessor(threads, shared_bytes)
        return {"registers": kernel.attributes.num_regs, "blocks": blocks}


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
    if torch.cuda.is_current_stream_capturing():
        raise RuntimeError(
            f"a kernel must run once before it is captured in a CUDA graph: {variant}"
        )
    core = cuda_core()
    major, minor = torch.cuda.get_device_capability(device_index)
    core.Device(device_index).set_current()
    kernel = core.ObjectCode.from_cubin(compiled(variant, f"sm_{major}{minor}")).get_kernel(name)
    kernel.attributes[device_index].max_dynamic_shared_size_bytes = shared_bytes
    return kernel
