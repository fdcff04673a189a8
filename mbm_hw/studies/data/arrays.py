"""Arrays in .npy files, within archives too: checked before they are read, and read in parts."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

MAX_BYTES = 1 << 36
"""The largest array that is read, 64 GiB: an archive of megabytes may claim to hold any size."""


class Items:
    """The items of an array along its first axis, read on access; in order each is read once.

    where : a .npz or .zip archive, or a folder. member : the .npy file in it. kind, shape : of the
        items: the dtype is a `kind`, such as np.integer.

    ValueError, which names the file, if it is missing, is no such array, has more than MAX_BYTES,
    or cannot be read, now or later.
    """

    def __init__(self, where: str | Path, member: str, kind: type, shape: tuple[int, ...]):
        where = Path(where)
        if not where.exists():
            raise ValueError(f"there is no {where}")
        self.name = f"{where}/{member}"
        try:
            self._file, size = _opened(where, member)
        except _UNREADABLE as error:
            raise ValueError(f"{where} must have {member}: {error}") from error
        with self._naming_the_file():
            self._count, found, self._dtype = self._header()
        if not np.issubdtype(self._dtype, kind) or found != shape:
            expected = f"{kind.__name__} {['N', *shape]}"
            raise ValueError(f"{self.name} must be {expected}, not {self._dtype} {['N', *found]}")
        self._shape, self._start = shape, self._file.tell()
        self._item_bytes = self._dtype.itemsize * math.prod(shape)
        needed = self._start + self._count * self._item_bytes
        if needed > MAX_BYTES:
            raise ValueError(f"{self.name} must have at most {MAX_BYTES} bytes, not {needed}")
        if needed > size:
            raise ValueError(f"{self.name} must have {needed} bytes, not {size}: it is cut off")

    def _header(self):
        npy = np.lib.format
        is_first = npy.read_magic(self._file) == (1, 0)
        read_header = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
        shape, is_fortran, dtype = read_header(self._file)
        if is_fortran or not shape:
            raise ValueError("an array with a first axis, in C order, was expected")
        return shape[0], shape[1:], dtype

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> np.ndarray:
        return self.read(index, 1)[0]

    def read(self, first: int, count: int) -> np.ndarray:
        """Return `count` items from the one of index `first` on; [count, ...]."""
        with self._naming_the_file():
            self._file.seek(self._start + first * self._item_bytes)
            contents = self._file.read(count * self._item_bytes)
            return np.frombuffer(contents, self._dtype).reshape(count, *self._shape)

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except _UNREADABLE as error:
            raise ValueError(f"{self.name} cannot be read: {error}") from error


_UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile),
    *(tokenize.TokenError, SyntaxError, TypeError),  # a header that NumPy cannot parse
    RuntimeError,  # an encrypted archive
    NotImplementedError,  # an unknown compression
)


def _opened(where: Path, member: str):
    """Return the open file, and how many bytes it has."""
    if where.is_dir():
        path = where / member
        return open(path, "rb"), path.stat().st_size
    archive = zipfile.ZipFile(where)
    return archive.open(member), archive.getinfo(member).file_size
