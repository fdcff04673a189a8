"""Command lines: bad input is one line on stderr and exit status 2."""

import sys
from concurrent.futures.process import BrokenProcessPool

import click

from sim.designs import design_name


class DesignName(click.ParamType):
    """The name of a design of rtl/."""

    name = "name"

    def convert(self, value, param, ctx):
        try:
            return design_name(value)
        except ValueError as error:
            raise click.UsageError(str(error)) from None


def run(command: click.Command, module: str) -> None:
    """Run the command of `python -m module` and leave the process: 2 after bad input."""
    try:
        sys.exit(command(prog_name=f"python -m {module}", standalone_mode=False))
    except click.ClickException as error:
        click.echo(f"{module}: {' '.join(error.format_message().split())}", err=True)
        sys.exit(2)
    except BrokenProcessPool:
        click.echo(f"{module}: a worker was killed; what was finished is kept", err=True)
        sys.exit(1)
