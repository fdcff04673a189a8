"""Results kept by the hash of all that they depend on."""

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path

from mbm_hw.system.files import replacing

_LOCKS: dict[Path, threading.Lock] = {}


class Cache:
    """A folder of JSON files, each named by the hash of what its content was computed from."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def get(self, compute: Callable[[], object], *dependencies: str | bytes):
        """Return what `compute` returned when the dependencies were the same, or does now.

        Threads that ask for the same wait for the first one. A file that is damaged is computed
        anew: each has its content's hash.
        """
        key = content_hash(*dependencies)
        path = self.folder / f"{key}.json"
        with _LOCKS.setdefault(path, threading.Lock()):
            text = _sound_text(path)
            if text is None:
                text = json.dumps(compute())
                with replacing(path) as file:
                    json.dump({"sha256": content_hash(text), "content": text}, file)
        return json.loads(text)


def _sound_text(path: Path) -> str | None:
    """Return what was kept in a file, as JSON; None if the file is missing or damaged."""
    try:
        kept = json.loads(path.read_bytes())
        return kept["content"] if kept["sha256"] == content_hash(kept["content"]) else None
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None


def content_hash(*parts: str | bytes) -> str:
    """Return one hash of all the parts, in hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


def source_hash(*folders_or_files: Path) -> str:
    """Return one hash of Python sources, of all those in a folder."""
    files = [
        file
        for path in folders_or_files
        for file in ([path] if path.is_file() else sorted(path.glob("*.py")))
    ]
    return content_hash(*(file.read_bytes() for file in files))
