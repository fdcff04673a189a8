"""Writing files so that nobody ever sees half of one."""

import csv
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """Open a temporary neighbour of `path` and rename it to `path` when the block succeeds.

    mode : "w" (UTF-8, newlines as written) or "wb". Missing parent folders are created. If the
    block raises, `path` keeps its old content, or stays absent, and the temporary file is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        with open(temporary, mode, **text) as file:
            yield file
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)
        raise


def write_csv(path: str | Path, rows: Sequence[Mapping]) -> None:
    """Write mappings with the same keys as CSV, the keys as its header."""
    with replacing(path) as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


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
