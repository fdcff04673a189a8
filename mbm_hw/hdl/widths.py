"""RTLIL in which all widths are spelled out, so that linters find nothing to guess.

Yosys' `wreduce` narrows what it can: it leaves operands of different widths, and the names of bits
that nobody drives or uses.
"""

import re
from collections import defaultdict
from math import inf

_CELL = re.compile(r"^  cell \$(add|sub|eq|lt|ge) .+\n(?:    .+\n)+  end$", re.MULTILINE)
_WIRE = re.compile(r"^  wire width (\d+) (\$\S+)$", re.MULTILINE)
_CONNECTION = re.compile(r"^ +connect .+$", re.MULTILINE)
_BITS = re.compile(r"(\$\S+)(?: \[(\d+)(?::\d+)?\])?")


def spelled_out(text: str) -> str:
    """Return RTLIL after `wreduce` with extended operands, and without unconnected highest bits."""
    used = defaultdict(int)  # of each private wire: how many bits, from the lowest on
    for connection in _CONNECTION.findall(text):
        for name, high in _BITS.findall(connection):
            used[name] = max(used[name], int(high) + 1 if high else inf)
    text = _WIRE.sub(lambda w: f"  wire width {min(int(w[1]), used[w[2]])} {w[2]}", text)
    return _CELL.sub(_extended, text)


def _extended(cell: re.Match) -> str:
    """Return an adder whose operands are as wide as the sum, or a comparator of equal widths.

    A sum's operand may still be a carry that comes in, or lack the bit for the one that goes out.
    """
    text, is_sum = cell[0], cell[1] in ("add", "sub")
    a, b, y = (int(re.search(rf"\\{port}_WIDTH (\d+)", text)[1]) for port in "ABY")
    width = y if is_sum else max(a, b)
    for port, narrow in (("A", a), ("B", b)):
        if is_sum < narrow < width - is_sum:
            operand = re.search(rf"connect \\{port} (.+)", text)[1]
            sign = f"{operand} [{narrow - 1}]" if f"\\{port}_SIGNED 1" in text else "1'0"
            wide = f"{{ {f'{sign} ' * (width - narrow)}{operand} }}"
            text = text.replace(f"connect \\{port} {operand}", f"connect \\{port} {wide}")
            text = text.replace(f"\\{port}_WIDTH {narrow}", f"\\{port}_WIDTH {width}")
    return text
