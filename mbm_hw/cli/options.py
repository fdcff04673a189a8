"""What several commands share: their options, and how rows are printed."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from tabulate import tabulate


def with_formats(command):
    """Give a command the options --json and --csv, as its argument `style`; None is a table."""
    command = click.option("--csv", "style", flag_value="csv", help="Print CSV.")(command)
    return click.option("--json", "style", flag_value="json", help="Print JSON.")(command)


def with_table_flags(command):
    """Give a command that takes table files the options --signed and --sign-magnitude."""
    command = click.option("--sign-magnitude", is_flag=True, help="A table file holds magnitudes.")(
        command
    )
    return click.option(
        "--signed", is_flag=True, help="A table file holds signed operands and products."
    )(command)


def with_models(command):
    """Give a command the option --models: where networks are looked up."""
    return click.option(
        "--models",
        type=click.Path(path_type=Path),
        default="models",
        show_default=True,
        help="Where networks called by a bare name are looked up.",
    )(command)


def print_rows(rows: Sequence[Mapping], style: str | None) -> None:
    """Print mappings with the same keys as JSON, as CSV, or as a table.

    A table has four decimals, or six digits in columns with numbers beyond 10**12; text is left as
    it is, though it is a number.
    """
    if style == "json":
        click.echo(json.dumps(rows, indent=1))
    elif style == "csv":
        writer = csv.DictWriter(sys.stdout, list(rows[0] if rows else ()), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        columns = [[row[key] for row in rows] for key in rows[0]]
        formats = [".6g" if any(map(_is_large, column)) else ".4f" for column in columns]
        texts = [i for i, column in enumerate(columns) if isinstance(column[0], str)]
        click.echo(tabulate(rows, "keys", "github", formats, disable_numparse=texts))


def _is_large(cell) -> bool:
    return isinstance(cell, float) and abs(cell) > 1e12
