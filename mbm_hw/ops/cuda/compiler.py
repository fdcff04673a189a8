"""Compiling kernels with NVRTC, through cuda-core, and keeping what it makes on disk."""

import contextlib
import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "kernels"
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Variant:
    """A source of `kernels/` and the macros that it is compiled with."""

    source: str
    macros: tuple[tuple[str, str], ...] = ()

    def __str__(self):
        return " ".join([self.source, *(f"{name}={value}" for name, value in self.macros)])


def compiled(variant: Variant, architecture: str) -> bytes:
    """Return the cubin of `variant` for an architecture such as sm_90, from the cache if it can be.

    A cached cubin is one of the same sources, options, architecture and NVRTC version; a damaged
    one is compiled anew. See `cache_folder`.
    """
    cuda = cuda_core()
    options = _options(variant, architecture)
    key = cuda.utils.make_program_cache_key(
        code=_code(variant),
        code_type="c++",
        options=options,
        target_type="cubin",
        extra_digest=sources_digest(),
    )
    # A folder that cannot be written costs time, nothing else.
    with contextlib.suppress(OSError), cuda.utils.FileStreamProgramCache(cache_folder()) as cache:
        entry = cache.get(key)
        if entry is not None and _digest(entry[_DIGEST_BYTES:]) == entry[:_DIGEST_BYTES]:
            return entry[_DIGEST_BYTES:]
        cubin = compile_(variant, architecture)
        cache[key] = _digest(cubin) + cubin
        return cubin
    return compile_(variant, architecture)


def compile_(variant: Variant, architecture: str, logs=None, verbose: bool = False) -> bytes:
    """Compile `variant` and return the cubin.

    logs : a text file; verbose : have ptxas say in it what registers and memory each kernel takes.
    A RuntimeError says what variant did not compile, and NVRTC's messages.
    """
    cuda = cuda_core()
    options = _options(variant, architecture, ptxas_options=["-v"] if verbose else None)
    try:
        program = cuda.Program(_code(variant), "c++", options)
        return bytes(program.compile("cubin", logs=logs).code)
    except Exception as error:
        raise RuntimeError(f"NVRTC cannot compile {variant} for {architecture}: {error}") from error


def cache_folder() -> Path:
    """Return where cubins are kept: mbm_hw/kernels in $XDG_CACHE_HOME, or else in ~/.cache.

    An OSError where there is no home either, as for a container's unknown user.
    """
    try:
        folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError as error:
        raise OSError(f"no folder for compiled kernels: {error}") from error
    return Path(folder) / "mbm_hw" / "kernels"


@functools.cache
def cuda_core():
    """Return the module `cuda.core`; an ImportError that says how to install it."""
    try:
        import cuda.core
        import cuda.core.utils
    except ImportError as error:
        raise ImportError(
            "the CUDA kernels need NVIDIA's cuda-core and NVRTC: run "
            f"`pip install 'mbm-hw[cuda]'` ({error})"
        ) from None
    return cuda.core


def _options(variant, architecture, ptxas_options=None):
    return cuda_core().ProgramOptions(
        name=variant.source,
        std="c++17",
        arch=architecture,
        fma=False,  # float sums are rounded after each step; what is fused says so
        device_as_default_execution_space=True,  # lambdas, to NVRTC 13.0
        include_path=[str(SOURCES)],
        define_macro=list(variant.macros) or None,
        ptxas_options=ptxas_options,
    )


def _code(variant):
    return (SOURCES / variant.source).read_text()


@functools.cache
def sources_digest() -> bytes:
    """Return a digest of all the sources: of any of them may be included."""
    digest = hashlib.sha256()
    for path in sorted(SOURCES.iterdir()):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.digest()


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
