"""Command lines: bad input is one line on stderr and exit status 2."""

import re
import sys
from concurrent.futures.process import BrokenProcessPool

import click

from mbm_hw.cli import blaming, fail
from sim.designs import named_design


class NamedDesign(click.ParamType):
    """The name of a design, of rtl/ or not; its value is the design."""

    name = "name"

    def convert(self, value, param, ctx):
        try:
            return named_design(value)
        except ValueError as error:
            raise click.UsageError(str(error)) from None


class Seconds(click.FloatRange):
    """A time, written with the digits 0 to 9."""

    def convert(self, value, param, ctx):
        if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,9})?", value):
            self.fail(f"{value!r} is not a number such as 0.5.", param, ctx)
        return super().convert(value, param, ctx)


def run(command: click.Command, module: str) -> None:
    """Run the command of `python -m module` and leave the process: 2 after bad input."""
    try:
        with blaming(module):
            sys.exit(command(prog_name=f"python -m {module}", standalone_mode=False))
    except click.ClickException as error:
        fail(error.format_message(), module)
    except BrokenProcessPool:
        click.echo(f"{module}: a worker was killed; what was finished is kept", err=True)
        sys.exit(1)
