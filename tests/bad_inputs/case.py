"""A bad input, and what is promised of it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

Content = bytes | str | Callable[[Path], object]
"""The content of a file, or a function that makes the file at a path."""


class Promise(Enum):
    """The outcomes that a case may have.

    REFUSED : a command prints one line on stderr, nothing on stdout, and leaves with status 2; a
    call raises one of the case's exceptions. WORKS : the status is 0, a call returns. EITHER : one
    of the two, as of a file in which any byte may have been changed. REPORTED : `check` prints its
    table and the failed check on stdout, nothing on stderr, and leaves with status 1.
    """

    REFUSED = "refused"
    WORKS = "works"
    EITHER = "either"
    REPORTED = "reported"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One bad input.

    name : unique in its area. command : the arguments of `program`, or empty: then `call`, Python
    statements, run with the names of `server.NAMESPACE`. program : one of `server.PROGRAMS`.
    files : path in the working folder -> what is there. says : a text that the message must have,
    such as a file's name or a key. raises : what the call may raise. leaves : globs of what may be
    new or changed in the working folder; a refused case leaves nothing else. closed : descriptors
    that the process does not have, 1 for stdout. as_nobody : it runs without root's rights.
    notes : a pattern of lines that may stand on stderr before the one of the refusal.
    seconds : of the processor; gibibytes : of memory, beyond those of the imported modules.
    file_bytes : the largest file that it can write, as on a disk that is full.
    """

    name: str
    command: tuple[str, ...] = ()
    call: str = ""
    program: str = "mbm-hw"
    files: Mapping[str, Content] = field(default_factory=dict)
    says: str = ""
    raises: tuple[type[Exception], ...] = (ValueError, TypeError)
    promise: Promise = Promise.REFUSED
    leaves: tuple[str, ...] = ()
    closed: tuple[int, ...] = ()
    as_nobody: bool = False
    notes: str = r"\Z"
    seconds: int = 10
    gibibytes: float = 1
    file_bytes: int = 2**40


def write_files(files: Mapping[str, Content], folder: Path) -> None:
    """Make the files in `folder`, and the folders that they lie in."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_link(target: str) -> Content:
    """Return what makes a symbolic link to `target`."""
    return lambda path: path.symlink_to(target)


def with_mode(mode: int, content: bytes | None = None) -> Content:
    """Return what makes a file, or without content a folder, of that mode."""

    def make(path: Path) -> None:
        path.mkdir() if content is None else path.write_bytes(content)
        path.chmod(mode)

    return make
