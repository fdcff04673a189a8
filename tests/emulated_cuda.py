"""Running CUDA kernels on the CPU: tests/cuda_emulation in place of a device, for tests.

Kernels are compiled by the host's compiler, under its sanitizers, and run in a process of their
own; everything around them is what runs on a device, too.
"""

import contextlib
import functools
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

from mbm_hw.ops.cuda import convolution, launcher, operators
from mbm_hw.ops.cuda.compiler import SOURCES, Variant

_EMULATION = Path(__file__).parent / "cuda_emulation"
_BUILD = Path(__file__).parent.parent / "build" / "cuda_emulation"
_sources = SOURCES
_COMPILE = (
    *("c++", "-std=c++20", "-O1", "-g1", "-w", "-ffp-contract=off", "-I", str(_EMULATION)),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
)


@contextlib.contextmanager
def emulated_device(
    order: int = 0,
    multiprocessors: int = 2,
    shared_limit: int = 163 << 10,
    capability: tuple[int, int] = (7, 0),
):
    """Have the CUDA kernels run on the CPU, on its tensors; the device has so much of each.

    order : in which threads run between barriers: 0 ascending, 1 descending, others shuffled.
    """
    replaced = {
        (launcher, "launch"): functools.partial(_launch, order),
        (convolution, "multiprocessors"): lambda device: multiprocessors,
        (operators, "shared_limit"): lambda device: shared_limit,
        (operators, "multiprocessors"): lambda device: multiprocessors,
        (operators, "capability"): lambda device: capability,
    }
    before = {place: getattr(*place) for place in replaced}
    try:
        for place, value in replaced.items():
            setattr(*place, value)
        yield
    finally:
        for place, value in before.items():
            setattr(*place, value)


@contextlib.contextmanager
def emulated_sources(changes: dict[str, tuple[str, str]]):
    """Have emulated kernels made of other sources: in each file, one text in place of another."""
    global _sources
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder) / "kernels"
        shutil.copytree(SOURCES, changed)
        for file, (text, instead) in changes.items():
            source = (changed / file).read_text()
            assert source.count(text) == 1, f"{file} has {text!r} {source.count(text)} times"
            (changed / file).write_text(source.replace(text, instead))
        _sources = changed
        try:
            yield
        finally:
            _sources = SOURCES


def _launch(order, variant, device, grid, threads, shared_bytes, arguments, name="conv2d"):
    spans = [_span(a) if isinstance(a, torch.Tensor) else None for a in arguments]
    numbers = [*grid, threads, shared_bytes, order, len(arguments)]
    written = np.array(numbers, np.int64).tobytes()
    for argument, span in zip(arguments, spans, strict=True):
        if span is None:
            written += np.array([0, 0 if argument is None else argument], np.int64).tobytes()
        else:
            written += np.array([1, span.nbytes], np.int64).tobytes() + span.tobytes()
    ran = subprocess.run([executable(variant, name, _sources)], input=written, capture_output=True)
    if ran.returncode:
        raise RuntimeError(f"{variant}: {ran.stderr.decode(errors='replace')[:2000]}")
    read = np.frombuffer(ran.stdout, np.uint8)
    for span in spans:
        if span is not None:
            span[:] = read[: span.nbytes].view(span.dtype)
            read = read[span.nbytes :]


def _span(tensor):
    """Return the memory of a tensor, from its first to its last element, as a flat array."""
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    last = sum((size - 1) * stride for size, stride in sizes) if tensor.numel() else -1
    return tensor.detach().as_strided((last + 1,), (1,)).numpy()


@functools.cache
def executable(variant: Variant, name: str, sources: Path) -> Path:
    """Return a kernel linked with the emulation; in build/ for as long as nothing changes."""
    macros = [f"-D{macro}={value}" for macro, value in variant.macros]
    source = ["-c", "-include", "mma.h", *macros, "-x", "c++", str(sources / variant.source)]
    runner = ["-c", f"-DMBM_HW_KERNEL_NAME={name}", str(_EMULATION / "runner.cpp")]
    objects = [
        _built(".o", source, [*sources.iterdir(), *_EMULATION.iterdir()]),
        _built(".o", runner, [*_EMULATION.iterdir()]),
    ]
    return _built("", map(str, objects), objects)


def _built(suffix, arguments, sources):
    """Return what the compiler makes of `arguments`, made anew if any of `sources` is another."""
    arguments = list(arguments)
    digest = hashlib.sha256(repr((arguments, _COMPILE)).encode())
    for path in sorted(sources):
        digest.update(path.read_bytes())
    made = _BUILD / (digest.hexdigest()[:32] + suffix)
    if not made.exists():
        _BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_BUILD) as folder:
            new = Path(folder) / "new"
            subprocess.run([*_COMPILE, *arguments, "-o", new], check=True)
            new.replace(made)
    return made
