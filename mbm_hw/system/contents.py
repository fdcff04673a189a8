"""The kind of a file by its first bytes, for errors about files of the wrong kind."""

import codecs
import os
import re
import stat
from pathlib import Path

NUMPY_ARRAY = "a NumPy array"
PICKLE = "a Python pickle"
TEXT = "text"
ZIP_ARCHIVE = "a zip archive"

_SIGNATURES = {
    rb"\Z": "empty",
    rb"version https://git-lfs": "a git-lfs pointer (`git lfs pull` gets the file)",
    rb"\x93NUMPY": NUMPY_ARRAY,
    rb"PK\x03\x04|PK\x05\x06": ZIP_ARCHIVE,
    rb"\x80[\x02-\x05]": PICKLE,
    rb"\x1f\x8b": "gzip data",
    rb"\x89HDF": "an HDF5 file",
    rb"(?i)\s*<(!doctype )?html": "a web page",
}


def contents(path: str | Path) -> str:
    """Return what the file begins as: one of this module's names, or other words for an error.

    Folders, pipes and devices are not opened. A file that cannot be read is an OSError.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        return "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
    with open(path, "rb") as file:
        head = file.read(1024)
    for signature, kind in _SIGNATURES.items():
        if re.match(signature, head):
            return kind
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "binary data"
    return "binary data" if b"\0" in head else TEXT
