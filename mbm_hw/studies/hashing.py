"""Hashes of files and arrays; those that take long are remembered from one process to the next."""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from mbm_hw.ops.cuda.compiler import cache_folder
from mbm_hw.system.files import replacing

LEAST_SECONDS = 0.05
"""A hash that takes less time than this is computed each time."""

SETTLED_SECONDS = 2
"""Files that changed in the last seconds may change once more without another time stamp."""


def sha256(*parts: bytes) -> str:
    """Return the hash of the parts, one after the other, in hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def array_bytes(array) -> bytes:
    """Return the dtype, shape and values of an array, a tensor or a number."""
    tensor = torch.as_tensor(array).detach().cpu().contiguous()
    kind = f"{tensor.dtype} {list(tensor.shape)} "
    return kind.encode() + tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def hash_files(files: Iterable[Path]) -> str:
    """Return the hash of the files' contents, in this order; their names do not count."""
    files = list(files)

    def compute() -> str:
        digests = []
        for path in files:
            with open(path, "rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").digest())
        return sha256(*digests)

    return remembered("contents", files, compute)


def remembered(what: str, files: Iterable[Path], compute: Callable[[], str]) -> str:
    """Return what `compute` gives, or gave while none of `files` had another size or time stamp.

    what : tells apart what is computed from the same files. It is kept below the user's cache
    folder, $XDG_CACHE_HOME or ~/.cache; where that cannot be written, it is computed each time.
    """
    paths = [path.resolve() for path in files]
    stats = [path.stat() for path in paths]
    stamps = [(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s in stats]
    state = sha256(repr(stamps).encode())
    kept = f"{sha256(repr((what, paths)).encode())}.json"
    if (value := _recalled(kept, state)) is not None:
        return value
    start, now = time.perf_counter(), time.time()
    value = compute()
    newest = max((max(s.st_mtime, s.st_ctime) for s in stats), default=now)
    if time.perf_counter() - start > LEAST_SECONDS and now - newest > SETTLED_SECONDS:
        with contextlib.suppress(OSError), replacing(_folder() / kept) as file:
            json.dump({"state": state, "value": value}, file)
    return value


def _recalled(kept: str, state: str) -> str | None:
    try:
        document = json.loads((_folder() / kept).read_text())
        is_known = document["state"] == state and isinstance(document["value"], str)
        return document["value"] if is_known else None
    except (OSError, ValueError, TypeError, KeyError):  # there is none, or it is damaged
        return None


def _folder() -> Path:
    return cache_folder().with_name("hashes")
