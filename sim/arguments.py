"""The arguments of `python -m sim` and `sim.layer`: a bad one is one line and status 2."""

import argparse
import re
from collections.abc import Callable
from typing import NoReturn

from mbm_hw.cli import fail


class Parser(argparse.ArgumentParser):
    """A parser whose errors are those of `mbm-hw`. prog : begins with `python -m`."""

    def error(self, message: str) -> NoReturn:
        fail(message, self.prog.removeprefix("python -m "))


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return the `type` of arguments that are integers from `least` to `most`, in digits 0 to 9."""

    def convert(text: str) -> int:
        if not re.fullmatch("-?[0-9]{1,20}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"it must be an integer {least} to {most}, not {text!r}"
            )
        return int(text)

    return convert


SEED = whole(0, 2**63 - 1)
"""The `type` of --seed."""
