"""The command line: thin over the API. Bad input is one line on stderr and exit status 2."""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

import click

from mbm_hw.cli.atlas import atlas
from mbm_hw.cli.conformance import check
from mbm_hw.cli.hardware import cost
from mbm_hw.cli.multipliers import errors, table, verilog
from mbm_hw.cli.networks import algorithms, ops
from mbm_hw.cli.studies import report, study
from mbm_hw.system import user_code

LONGEST = 300
"""Characters of an error's line."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process: 0, 2 after bad input, 130 after Ctrl-C.

    Where nobody reads standard output any more, it leaves with status 1 and without a word.
    """
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the caller
            setattr(sys, stream, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    try:
        with blaming():
            status = mbm_hw.main(arguments, prog_name="mbm-hw", standalone_mode=False) or 0
        sys.stdout.flush()
        sys.exit(status)
    except BrokenPipeError:
        _give_up_output()
        sys.exit(1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        fail(error.format_message())
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _give_up_output()
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError as error:
        fail(f"there is not enough memory: {error}")
    except (click.Abort, KeyboardInterrupt):
        click.echo("mbm-hw: interrupted; what was finished is kept", err=True)
        sys.exit(130)


@contextmanager
def blaming(program: str = "mbm-hw") -> Iterator[None]:
    """Leave by `fail` for what a user's file raises in the block; name the file and the line."""
    try:
        yield
    except (Exception, SystemExit) as error:  # a user's multiplier may raise anything
        if (message := user_code.blamed(error)) is None:
            raise
        fail(message, program)


def fail(message: str, program: str = "mbm-hw") -> NoReturn:
    """Print one line of at most LONGEST characters, none of them a control character; leave.

    program : what the line begins with.
    """
    line = f"{program}: {' '.join(message.split())}"
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    if len(line) > LONGEST:
        line = f"{line[: LONGEST * 2 // 3]} ... {line[5 - LONGEST // 3 :]}"
    click.echo(line, err=True)
    sys.exit(2)


class _Commands(click.Group):
    """Commands that ask nothing: an EOFError is a file's, not the end of a terminal's input."""

    def invoke(self, context):
        try:
            return super().invoke(context)
        except EOFError as error:  # click would call it an abort
            raise ValueError(f"a file ends too early: {error}") from error


def _give_up_output() -> None:
    """Let what standard output still holds go nowhere: Python flushes it once more at its end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=_Commands,
    commands=[verilog, table, errors, check, ops, algorithms, cost, study, report, atlas],
)
@click.version_option(package_name="mbm-hw")
def mbm_hw():
    """Approximate multipliers: from one spec to RTL, to simulation, to a network's error study."""
