"""Product tables as files: .npy, .csv and .hex ($readmemh).

.npy : int64 [2**width, 2**width], indexed by the operands' patterns.
.csv : one header line, then `a,b,product` in values (signed ones as such), any order.
.hex : row-major by patterns, one product a line, ceil(2 * width / 4) digits, two's complement.
"""

from pathlib import Path

import numpy as np

from mbm_hw.catalog import find_spec
from mbm_hw.files import replacing
from mbm_hw.reference import pattern_values, product_table
from mbm_hw.spec import IntegerSpec, Spec, Table

MAX_PRODUCTS = 1 << (2 * Table.MAX_WIDTH)
"""The products of the largest table."""
TABLE_FILES = (".npy", ".csv")
"""How the files end that `read_table` reads."""


def write_table(spec: IntegerSpec, path: str | Path) -> Path:
    """Write the product table of `spec` (at most 12 bits) in the format that `path` ends in.

    Returns the path. Another ending than .npy, .csv or .hex is a ValueError.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise ValueError(f"{path} must end in {', '.join(_WRITERS)}, not {path.suffix!r}")
    table = product_table(spec)
    mode = "wb" if path.suffix == ".npy" else "w"
    with replacing(path, mode) as file:
        _WRITERS[path.suffix](file, spec, table)
    return path


def read_table(path: str | Path, signed: bool = False, sign_magnitude: bool = False) -> Table:
    """Return the multiplier whose products `path` lists: .npy, or .csv with any header.

    signed, sign_magnitude : as for `Table`. In a signed CSV the operands are values, not patterns.
    A file that is neither, or a CSV in which a pair of operands is missing or given twice, is a
    ValueError that names the file.
    """
    path = Path(path)
    try:
        if path.suffix == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)  # of any size that it claims
        elif path.suffix == ".csv":
            array = _read_csv(path, signed and not sign_magnitude)
        else:
            raise ValueError(f"a product table must end in .npy or .csv, not {path.suffix!r}")
        return Table(array, signed=signed, sign_magnitude=sign_magnitude)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def named_spec(name: str, signed: bool = False, sign_magnitude: bool = False) -> Spec:
    """Return the product table in the file `name` (.npy, .csv), or else the spec of that name.

    signed, sign_magnitude : of a table. The errors are those of `read_table` and `find_spec`.
    """
    if name.endswith(TABLE_FILES):
        return read_table(name, signed, sign_magnitude)
    return find_spec(name)


def _write_npy(file, spec, table):
    np.save(file, table)


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


def _read_csv(path: Path, signed: bool) -> np.ndarray:
    rows = np.loadtxt(path, np.int64, delimiter=",", skiprows=1, ndmin=2, max_rows=MAX_PRODUCTS + 1)
    if rows.shape[1] != 3:
        raise ValueError(f"a line must hold a,b,product, not {rows.shape[1]} columns")
    if len(rows) > MAX_PRODUCTS:
        raise ValueError(f"the lines must list at most {MAX_PRODUCTS} products")
    side = round(len(rows) ** 0.5)
    width = side.bit_length() - 1
    if side * side != len(rows) or side != 1 << width:
        raise ValueError(f"the lines must list 2**w by 2**w products, not {len(rows)}")
    low = -(side // 2) if signed else 0
    operands = rows[:, :2]
    if operands.min() < low or operands.max() >= low + side:
        a, b = operands[((operands < low) | (operands >= low + side)).any(axis=1)][0]
        raise ValueError(f"operands must be {low} to {low + side - 1}, not {a},{b}")
    index = (operands & (side - 1)) @ [side, 1]
    counts = np.bincount(index, minlength=side * side)
    if counts.max() > 1:
        a, b = operands[index == counts.argmax()][0]
        raise ValueError(f"each pair of operands must be given once, not {a},{b} repeatedly")
    array = np.empty(side * side, np.int64)
    array[index] = rows[:, 2]
    return array.reshape(side, side)
