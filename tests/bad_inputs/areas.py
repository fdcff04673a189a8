"""The areas of bad inputs, by name."""

import functools
import zlib
from collections import Counter
from importlib import import_module

from .case import Case

AREAS = (
    "arguments",
    "names",
    "tables",
    "specs",
    "functions",
    "families",
    "operators",
    "studies",
    "data",
    "checkpoints",
    "networks",
    "results",
    "stores",
    "outputs",
    "programs",
)


def cases_of(area: str, share: int = 1, seed: int | None = None, count: int = 0) -> list[Case]:
    """Return the fixed cases of an area, one of `share`; or `count` mutations by a seed."""
    if seed is not None:
        from .mutations import mutations

        return mutations(area, seed, count)
    return part(fixed_cases(area), share)


def part(cases: list[Case], share: int) -> list[Case]:
    """Return one of `share` cases, always the same ones, and spread over all kinds."""
    return [case for case in cases if zlib.crc32(case.name.encode()) % share == 0]


@functools.cache
def fixed_cases(area: str) -> list[Case]:
    cases = list(import_module(f".{area}", __package__).cases())
    twice = [name for name, count in Counter(case.name for case in cases).items() if count > 1]
    assert not twice, f"{area}: cases have the same name: {twice}"
    return cases
