"""Writing files so that nobody ever sees half of one."""

import csv
import errno
import fcntl
import io
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

NAME_MAX = 255
"""Bytes of a file's name, at most."""
_FORMULA = re.compile(r"[=+\-@\t\r]")


@contextmanager
def replacing(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """Open a file that takes the place of `path` when the block succeeds, all of it at once.

    mode : "w" (UTF-8, newlines as written) or "wb". Missing parent folders are created. If the
    block raises, `path` keeps its old content, or stays absent. OSErrors name `path`.

    The file is a neighbour of `path`, `.NAME.<hex>`, with its permissions and, where the system
    allows it, its owner. Neighbours of killed processes are removed. A symbolic link stays; the
    file that it points to is replaced. A device, a FIFO or /dev/stdout stays too: it gets the
    content when the block is done.
    """
    path = Path(path)
    opened = _written_through(path) if is_written_through(path) else _replaced(_target(path))
    with _naming(path), opened as file:
        if "b" in mode:
            yield file
        else:
            text = io.TextIOWrapper(file, "utf-8", newline="")
            yield text
            text.detach()


def check_writable(path: str | Path) -> None:
    """Raise the OSError that `replacing` would raise before it writes; create nothing."""
    path = Path(path)
    if not is_written_through(path):
        _check_takes_files(_target(path).parent, path)
    elif not os.access(path, os.W_OK):
        raise _error(errno.EACCES, path)


def check_folder_writable(path: str | Path) -> None:
    """Raise an OSError if `path` is not, and cannot become, a folder that takes files."""
    _check_takes_files(Path(path), path)


def is_written_through(path: str | Path) -> bool:
    """Return whether there is something at `path` that is no regular file, such as a device.

    An open file of a process, as /dev/stdout names one, counts too. A folder is an OSError.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise _error(errno.EISDIR, path)
    return not stat.S_ISREG(mode) or _is_open_file(path)


def is_standard_output(path: str | Path) -> bool:
    """Return whether `path` is where this process prints, as /dev/stdout is."""
    with suppress(OSError):
        return is_written_through(path) and os.path.samestat(os.stat(path), os.fstat(1))
    return False


def write_csv(path: str | Path, rows: Sequence[Mapping]) -> None:
    """Write mappings with the same keys as CSV, the keys as its header; see `csv_cells`."""
    with replacing(path) as file:
        writer = csv.writer(file)
        writer.writerows(csv_cells(row) for row in rows[:1])
        writer.writerows(csv_cells(row.values()) for row in rows)


def csv_cells(cells: Iterable) -> list:
    """Return the cells, with an apostrophe before texts that a spreadsheet takes for formulas.

    Those begin with =, +, -, @, a tab or a carriage return. Numbers stay as they are.
    """
    return [
        f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell for cell in cells
    ]


def write_json(path: str | Path, document) -> None:
    """Write `document` as indented JSON; numbers that are not finite become null."""
    with replacing(path) as file:
        json.dump(_finite(document), file, indent=1, allow_nan=False, default=str)
        file.write("\n")


def _finite(value):
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and value - value != 0 else value


@contextmanager
def _written_through(path: Path) -> Iterator[BinaryIO]:
    """Yield a file without a name; copy it to `path` when the block succeeds."""
    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        sys.stdout.flush()
        # A descriptor of its own would begin anew in a file that standard output is sent to.
        device = os.dup(1) if is_standard_output(path) else path
        with open(device, "ab") as through:
            shutil.copyfileobj(file, through)


@contextmanager
def _replaced(target: Path) -> Iterator[BinaryIO]:
    """Yield a new neighbour of `target`; rename it to `target` when the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    temporary, file = _new_neighbour(target)
    try:
        with file:
            _take_rights(file.fileno(), target)
            yield file
            file.flush()
            os.replace(temporary, target)  # still locked, so nobody takes it for a leftover
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _new_neighbour(target: Path) -> tuple[Path, BinaryIO]:
    """Create a neighbour of `target`, locked for as long as this process has it open."""
    while True:
        temporary = target.with_name(_neighbour_prefix(target) + uuid.uuid4().hex)
        file = os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666), "wb")
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return temporary, file
        file.close()  # another process removed it before it was locked


def _remove_leftovers(target: Path) -> None:
    """Remove the neighbours of `target` that no process has locked: their writers are dead."""
    pattern = _neighbours(target)
    for entry in os.scandir(target.parent):
        if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
            with suppress(OSError), open(entry, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(entry)


def _neighbours(target: Path) -> re.Pattern:
    return re.compile(re.escape(_neighbour_prefix(target)) + "[0-9a-f]{32}")


def _neighbour_prefix(target: Path) -> str:
    """Return `.NAME.`, cut so that 32 more characters make a legal name."""
    name = os.fsencode(target.name)[: NAME_MAX - 34]
    return f".{name.decode(errors='ignore')}."


def _take_rights(descriptor: int, target: Path) -> None:
    """Give an open file the permissions and, if this user may, the owner of `target`."""
    with suppress(FileNotFoundError):
        old = target.stat()
        with suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, old.st_mode & 0o777)


def _target(path: Path) -> Path:
    """Return the regular file, there or not, that `path` leads to by its symbolic links."""
    target = Path(os.path.realpath(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise _error(errno.EACCES, path)
    return target


def _is_open_file(path: Path) -> bool:
    """Return whether a symbolic link of /proc is among those that lead from `path` to its file."""
    while path.is_symlink():
        if path.parent.resolve().is_relative_to("/proc"):
            return True
        path = path.parent / os.readlink(path)
    return False


def _check_takes_files(folder: Path, path: str | Path) -> None:
    """Raise an OSError that names `path` if no file can be created in `folder`."""
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise _error(errno.ENOTDIR, path)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _error(error.errno, path) from error


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name `path` in OSErrors that name no file, or a neighbour that is of no interest."""
    try:
        yield
    except OSError as error:
        pattern = _neighbours(Path(os.path.realpath(path)))
        named = error.filename and not pattern.fullmatch(Path(error.filename).name)
        if named or error.errno is None:  # of a tool: its message is all that it has
            raise
        raise _error(error.errno, path) from error


def _error(number: int, path: str | Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
