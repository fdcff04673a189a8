"""Product tables as files: .npy, .npz, .csv and .hex ($readmemh).

.npy : integers [2**width, 2**width], indexed by the operands' patterns; written as int64.
.npz : one such array, whatever its name. It is read, not written.
.csv : a header that names the columns a, b and product in any order, then values (signed ones as
    such), the pairs of operands in any order. Names may be upper-case, and the product's may be p
    or mbm, as in the study that this project comes from.
.hex : row-major by patterns, one product a line, ceil(2 * width / 4) digits, two's complement. It
    is written, not read.
"""

import io
import itertools
import os
import re
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import ArrayLike

from mbm_hw.multipliers.names import as_spec, find_spec
from mbm_hw.multipliers.reference import pattern_values, product_table
from mbm_hw.multipliers.spec import IntegerSpec, Spec
from mbm_hw.multipliers.table import Table
from mbm_hw.system.contents import NUMPY_ARRAY, TEXT, ZIP_ARCHIVE, contents
from mbm_hw.system.files import replacing

MAX_BYTES = 2**30
"""The largest file, or array in an archive, that `read_table` reads; 12 bits take less."""

MAX_PRODUCTS = 1 << (2 * Table.MAX_WIDTH)
"""The products of the largest table."""

COLUMNS = {"a": "a", "b": "b", "product": "product", "p": "product", "mbm": "product"}
"""The names that a CSV's header may have, in lower case, and the columns that they stand for."""


def write_table(spec: IntegerSpec | str, path: str | Path) -> Path:
    """Write the product table of `spec` (at most 12 bits) in the format that `path` ends in.

    spec : an integer spec, or its name; a float spec, or anything else, is a TypeError.
    Returns the path. Another ending than .npy, .csv or .hex is a ValueError.
    """
    spec, path = as_spec(spec), Path(path)
    if spec.is_float:
        raise TypeError(f"write_table takes an integer spec, not {spec}")
    if path.suffix not in _WRITERS:
        raise ValueError(f"{path} must end in {', '.join(_WRITERS)}, not {path.suffix!r}")
    table = product_table(spec)
    mode = "wb" if path.suffix == ".npy" else "w"
    with replacing(path, mode) as file:
        _WRITERS[path.suffix](file, spec, table)
    return path


def read_table(path: str | Path, signed: bool = False, sign_magnitude: bool = False) -> Table:
    """Return the multiplier whose products the file `path` lists: .npy, .npz or .csv.

    signed, sign_magnitude : as for `Table`. In a signed CSV the operands are values, not patterns.
    A file that holds no product table (another kind of file, one that is cut short, a CSV without
    its header or without a pair of operands) is a ValueError that names the file and says what it
    is; so is one of more than 2**30 bytes. A missing file is an OSError.
    """
    path = Path(path)
    try:
        if path.suffix not in _READERS:
            *others, last = TABLE_FILES
            known = f"{', '.join(others)} or {last}"
            raise ValueError(f"a product table must end in {known}, not {path.suffix!r}")
        size, kind = path.stat().st_size, contents(path)
        expected, reader = _READERS[path.suffix]
        if kind != expected:
            raise ValueError(f"it is {kind}, not {expected}")
        _check_size(size)
        array = reader(path, signed and not sign_magnitude)
        return Table(array, signed=signed, sign_magnitude=sign_magnitude)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def is_table_file(name: str) -> bool:
    """Return whether `name` is meant as a file: a dot or slash, and no `.py:`."""
    return ("." in name or os.sep in name) and ".py:" not in name


def named_spec(name: str, signed: bool = False, sign_magnitude: bool = False) -> Spec:
    """Return the product table in the file `name` (see `is_table_file`), or the spec of that name.

    signed, sign_magnitude : of a table. The errors are those of `read_table` and `find_spec`.
    """
    if is_table_file(name):
        return read_table(name, signed, sign_magnitude)
    return find_spec(name)


def write_array(file: BinaryIO, array: ArrayLike) -> None:
    """Write an array in the format .npy; OSError where the disk is full.

    `np.save` into an open file misses that: what C's buffer still holds is lost without a word.
    """
    content = io.BytesIO()
    np.save(content, array)
    file.write(content.getbuffer())


def _write_npy(file, spec, table):
    write_array(file, table)


def _write_csv(file, spec, table):
    values = pattern_values(spec)
    legal = values >= spec.operand_min
    file.write("a,b,product\n")
    for a, row in zip(values[legal], table[legal], strict=True):
        lines = (f"{a},{b},{p}\n" for b, p in zip(values[legal], row[legal], strict=True))
        file.write("".join(lines))


def _write_hex(file, spec, table):
    digits, mask = -(-spec.product_width // 4), (1 << spec.product_width) - 1
    for row in (table & mask).tolist():
        file.write("".join(f"{product:0{digits}x}\n" for product in row))


_WRITERS = {".npy": _write_npy, ".csv": _write_csv, ".hex": _write_hex}


def _check_size(size: int):
    if size > MAX_BYTES:
        raise ValueError(f"a product table takes at most {MAX_BYTES} bytes, not {size}")


def _read_npy(path: Path, signed: bool) -> np.ndarray:
    # Mapped, not read: a header may claim any size.
    return _loaded(lambda: np.load(path, mmap_mode="r", allow_pickle=False))


def _read_npz(path: Path, signed: bool) -> np.ndarray:
    with open(path, "rb") as file, _loaded(lambda: np.load(file, allow_pickle=False)) as arrays:
        members = arrays.zip.infolist()
        if len(members) != 1:
            raise ValueError(f"it must hold one array, not {len(members)}")
        _check_size(members[0].file_size)
        return _loaded(lambda: arrays[arrays.files[0]])


def _loaded(load):
    """Return what `load` returns, which reads bytes of an open file by NumPy."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of an array that Python 2 wrote
            return load()
    except Exception as error:  # damaged bytes make NumPy and zipfile raise errors of many kinds
        raise ValueError(f"it is damaged or holds no integers: {_shortened(str(error))}") from error


def _read_csv(path: Path, signed: bool) -> np.ndarray:
    with open(path, encoding="utf-8-sig", errors="backslashreplace") as file:
        order = _columns(file.readline(1000))
        try:
            with warnings.catch_warnings(action="error"):  # of a file without lines
                rows = np.loadtxt(
                    itertools.islice(file, MAX_PRODUCTS + 1),  # max_rows would allocate them all
                    np.int64,
                    comments=None,
                    delimiter=",",
                    quotechar='"',
                    ndmin=2,
                )
        except (ValueError, UserWarning) as error:
            raise ValueError(_bad_line(path) or str(error)) from error
    if rows.shape[1] != 3:
        raise ValueError(_bad_line(path))
    if len(rows) > MAX_PRODUCTS:
        raise ValueError(f"the lines must list at most {MAX_PRODUCTS} products")
    return _square(rows[:, order], signed)


def _columns(header: str) -> list[int]:
    """Return where the header has the columns a, b and product."""
    names = [name.strip(' "').lower() for name in header.rstrip("\n").split(",")]
    if all(map(_INTEGER.fullmatch, names)):
        raise ValueError(f"it has no header: its first line must name the columns {_KNOWN_COLUMNS}")
    found = [COLUMNS.get(name) for name in names]
    if sorted(map(str, found)) != ["a", "b", "product"]:
        came = _shortened(header)
        raise ValueError(f"its header must name the columns {_KNOWN_COLUMNS}, not {came}")
    return [found.index(column) for column in ("a", "b", "product")]


_KNOWN_COLUMNS = "a, b and product (or p, mbm)"
_INTEGER = re.compile(r'[ "]*[+-]?\d{1,18}[ "]*', re.ASCII)


def _bad_line(path: Path) -> str | None:
    """Return which line after the header has no three integers, if one has not."""
    number = 1
    with open(path, encoding="utf-8-sig", errors="backslashreplace") as file:
        for number, line in enumerate(file, 1):
            fields = line.rstrip("\n").split(",")
            is_row = len(fields) == 3 and all(map(_INTEGER.fullmatch, fields))
            if number > 1 and line != "\n" and not is_row:
                return f"line {number} must hold three integers, not {_shortened(line)}"
    return "no line follows its header" if number == 1 else None


def _shortened(line: str) -> str:
    line = line.rstrip("\n")
    return repr(line if len(line) <= 100 else line[:97] + "...")


def _square(rows: np.ndarray, signed: bool) -> np.ndarray:
    """Return the products of the rows (a, b, product) as an array that patterns index."""
    operands, side = rows[:, :2], 1 << Table.MIN_WIDTH
    while side * side < len(rows):
        side *= 2
    low = -(side // 2) if signed else 0
    outside = ((operands < low) | (operands >= low + side)).any(axis=1)
    if outside.any():
        a, b = operands[outside][0]
        raise ValueError(
            f"operands must be {low} to {low + side - 1} in {len(rows)} lines, not {a},{b}"
        )
    index = (operands & (side - 1)) @ [side, 1]
    counts = np.bincount(index, minlength=side * side)
    if counts.max() > 1:
        a, b = operands[index == counts.argmax()][0]
        raise ValueError(f"each pair of operands must be given once, not {a},{b} repeatedly")
    if not counts.all():
        a, b = ((pattern - low) % side + low for pattern in divmod(int(counts.argmin()), side))
        raise ValueError(f"the pair of operands {a},{b} is missing: {side}**2 lines must follow")
    array = np.empty(side * side, np.int64)
    array[index] = rows[:, 2]
    return array.reshape(side, side)


_READERS = {
    ".npy": (NUMPY_ARRAY, _read_npy),
    ".npz": (ZIP_ARCHIVE, _read_npz),
    ".csv": (TEXT, _read_csv),
}
TABLE_FILES = tuple(_READERS)
"""Endings of the files that `read_table` reads."""
