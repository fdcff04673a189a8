"""What several commands share: their options, and how rows are printed."""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import click
from tabulate import tabulate

from mbm_hw.system.files import (
    check_folder_writable,
    check_writable,
    csv_cells,
    is_standard_output,
    is_written_through,
)


class Whole(click.IntRange):
    """An integer of a range, written with the digits 0 to 9."""

    def convert(self, value, param, ctx):
        if isinstance(value, str) and not re.fullmatch("[+-]?[0-9]{1,100}", value):
            self.fail(f"{value!r} is not an integer of at most 100 digits.", param, ctx)
        return super().convert(value, param, ctx)


class OutputFile(click.ParamType):
    """The path of a file that can be written; checked before any work is done."""

    name = "file"

    def convert(self, value, param, ctx):
        return _checked(check_writable, value)


class OutputFolder(click.ParamType):
    """The path of a folder that is there, or can be made, and can be written into."""

    name = "folder"

    def convert(self, value, param, ctx):
        if value == "":
            self.fail("a folder has a name; . is the working one.", param, ctx)
        return _checked(check_folder_writable, value)


def _checked(check: Callable[[Path], None], value) -> Path:
    try:
        check(Path(value))
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}") from error
    return Path(value)


class WritingCommand(click.Command):
    """A command that refuses an output file that is one of its inputs."""

    def invoke(self, ctx):
        options = {param.name for param in self.params if isinstance(param.type, OutputFile)}
        inputs = [value for name, value in ctx.params.items() if name not in options]
        outputs = [path for path in map(ctx.params.get, options) if path and path.is_file()]
        for source in _files(inputs):
            for path in outputs:
                if path.samefile(source) and not is_written_through(path):
                    raise click.UsageError(f"{path} is an input: give another file to write")
        return super().invoke(ctx)


def _files(values) -> Iterator[Path]:
    """Yield the files that are among the values of parameters, those of FILE:NAME too."""
    for value in values:
        if isinstance(value, tuple):
            yield from _files(value)
        elif isinstance(value, (str, Path)):
            text = str(value)
            yield from filter(Path.is_file, map(Path, (text, text.rpartition(":")[0])))


def say_written(path: Path, more: str = "") -> None:
    """Print that `path` was written; to stderr if standard output is what was written."""
    click.echo(f"wrote {path}{more}", err=is_standard_output(path))


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
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows(csv_cells(row) for row in rows[:1])
        writer.writerows(csv_cells(row.values()) for row in rows)
    else:
        columns = [[row[key] for row in rows] for key in (rows[0] if rows else ())]
        formats = [".6g" if any(map(_is_large, column)) else ".4f" for column in columns]
        texts = [i for i, column in enumerate(columns) if isinstance(column[0], str)]
        click.echo(tabulate(rows, "keys", "github", formats, disable_numparse=texts))


def _is_large(cell) -> bool:
    return isinstance(cell, float) and abs(cell) > 1e12
