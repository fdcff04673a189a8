"""The command line: thin over the API. Bad input is one line on stderr and exit status 2."""

import sys
from collections.abc import Sequence

import click

from mbm_hw.cli.hardware import cost
from mbm_hw.cli.multipliers import errors, table, verilog
from mbm_hw.cli.networks import algorithms, ops
from mbm_hw.cli.studies import report, study


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process: 0, 2 after bad input, 130 after Ctrl-C."""
    try:
        sys.exit(mbm_hw.main(arguments, prog_name="mbm-hw", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        fail(error.format_message())
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError as error:
        fail(f"there is not enough memory: {error}")
    except (click.Abort, KeyboardInterrupt):
        click.echo("mbm-hw: interrupted; what was finished is kept", err=True)
        sys.exit(130)


def fail(message: str) -> None:
    click.echo(f"mbm-hw: {' '.join(message.split())}", err=True)
    sys.exit(2)


@click.group(commands=[verilog, table, errors, ops, algorithms, cost, study, report])
@click.version_option(package_name="mbm-hw")
def mbm_hw():
    """Approximate multipliers: from one spec to RTL, to simulation, to a network's error study."""
