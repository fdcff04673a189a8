import functools
from collections import defaultdict

from family_vectors import Vectors

VECTORS = [
    Vectors("momeni8_c8", (20344, 16461, 385, 64457, 394, 495), sum=1070905856),
]


def approximate(cells, x1, x2, x3, x4):
    """Return sum and carry of the cell, by words instead of gates."""
    if cells == "momeni":
        return x1 == x2 or x3 == x4, (x1 or x2) and (x3 or x4)
    all_ones = x1 == x2 == x3 == x4 == 1
    return x1 != x2 or x3 != x4 or all_ones, x1 == x2 == 1 or x3 == x4 == 1


def stage(spec, columns):
    out = defaultdict(list)
    for column, bits in columns.items():
        if column < spec.column and len(bits) == 4:
            total, carry = map(int, approximate(spec.cells, *bits))
            out[column].append(total)
            out[column + 1].append(carry)
        elif column < spec.column:
            if bits:
                out[column].append(sum(bits) % 2)
            if len(bits) > 1:  # the carry's wire is there, even if it is never 1
                out[column + 1].append(sum(bits) // 2)
        else:
            out[column] += bits
    return out


@functools.cache
def half(spec, a, b, first):
    """Return what the first stage makes of four rows, those of the bits b from `first` on."""
    columns = defaultdict(list)
    for row in range(4):
        for place in range(8):
            columns[first + row + place].append(a // 2**place % 2 * (b // 2**row % 2))
    return stage(spec, columns)


def oracle(spec, a, b):
    low, high = half(spec, a, b % 16, 0), half(spec, a, b // 16, 4)
    rows = {column: low.get(column, []) + high.get(column, []) for column in range(16)}
    return sum(sum(bits) << column for column, bits in stage(spec, rows).items())
