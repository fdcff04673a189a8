"""The figures that a library of circuits publishes, beside those of its product tables.

MAE is our MED, EP the error rate, MRE the MRED, WCRE the larger peak. MAE and WCE in percent are of
2**(bits of the product). MRE and WCRE leave out exact products of 0; the others count every pair.

Ref: V. Mrazek et al., "EvoApprox8b: Library of Approximate Adders and Multipliers", DATE 2017.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path

from mbm_hw.multipliers.errors import ErrorMetrics, error_metrics
from mbm_hw.multipliers.table import Table
from mbm_hw.multipliers.table_files import TABLE_FILES, read_table
from mbm_hw.system.contents import TEXT, contents

FIGURES: Mapping[str, Callable[[ErrorMetrics, int], float]] = {
    "MAE%": lambda metrics, product_width: 100 * metrics.med / 2**product_width,
    "MAE": lambda metrics, product_width: metrics.med,
    "WCE%": lambda metrics, product_width: 100 * metrics.wce / 2**product_width,
    "WCE": lambda metrics, product_width: metrics.wce,
    "WCRE%": lambda metrics, product_width: max(metrics.peak_max, -metrics.peak_min),
    "EP%": lambda metrics, product_width: 100 * metrics.error_rate,
    "MRE%": lambda metrics, product_width: metrics.mred,
    "MSE": lambda metrics, product_width: metrics.mse,
}
"""The figures by the library's names, of a circuit's metrics and the bits of its product."""


def published_figures(path: str | Path) -> Iterator[dict]:
    """Yield a row for each figure of each circuit in the CSV file `path`.

    The file has the columns `name` (a product table beside it is NAME.npz, NAME.npy or NAME.csv),
    `signed` (True or False) and some of FIGURES. Other columns are left alone, and so are empty
    fields.

    multiplier, figure : whose and which. published : as the file has it. ours : ours, with as many
    digits, rounded half to even. agrees : whether the two are the same. unrounded : ours.

    A file without these columns, or a field that is neither, is a ValueError that names the file; a
    file or a table that is missing is an OSError.
    """
    path = Path(path)
    for circuit in _circuits(path):
        name, table = circuit["name"], _table(path, circuit)
        metrics = error_metrics(table)
        for figure in FIGURES:
            if published := circuit.get(figure):
                unrounded = FIGURES[figure](metrics, table.product_width)
                try:
                    ours = Decimal(unrounded).quantize(_finite(published))
                except InvalidOperation:
                    text = f"{figure} of {name} must be a number, not {published!r}"
                    raise ValueError(f"{path}: {text}") from None
                yield {
                    "multiplier": name,
                    "figure": figure,
                    "published": published,
                    "ours": str(ours),
                    "agrees": ours == Decimal(published),
                    "unrounded": unrounded,
                }


def circuit_tables(path: str | Path) -> dict[str, Table]:
    """Return the product tables of the circuits that the CSV file `path` lists, by name.

    The file, and the errors, are those of `published_figures`.
    """
    path = Path(path)
    return {circuit["name"]: _table(path, circuit) for circuit in _circuits(path)}


def _table(path: Path, circuit: Mapping[str, str]) -> Table:
    name, signed = circuit["name"], circuit["signed"]
    if signed not in ("True", "False"):
        raise ValueError(f"{path}: signed of {name} must be True or False, not {signed!r}")
    return read_table(_table_file(path, name), signed=signed == "True")


def _finite(text: str) -> Decimal:
    """Return the number; what is none, or is not finite, is an InvalidOperation."""
    number = Decimal(text)
    if not number.is_finite():
        raise InvalidOperation
    return number


def _circuits(path: Path) -> list[dict[str, str]]:
    try:
        if (kind := contents(path)) != TEXT:
            raise ValueError(f"it is {kind}, not {TEXT}")
        with open(path, encoding="utf-8-sig", newline="") as file:
            circuits = list(csv.DictReader(file, restval=""))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error
    columns = set(circuits[0]) if circuits else set()
    if not {"name", "signed"} <= columns or columns.isdisjoint(FIGURES):
        raise ValueError(f"{path}: it must have columns name, signed and any of {[*FIGURES]}")
    return circuits


def _table_file(path: Path, name: str) -> Path:
    """Return the product table called `name` beside `path`; the last of TABLE_FILES if none is."""
    files = [path.with_name(f"{name}{ending}") for ending in TABLE_FILES]
    return next((file for file in files if file.exists()), files[-1])
