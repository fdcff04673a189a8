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
            for place, bit in enumerate(f"{sum(bits):b}"[::-1]):
                out[column + place].append(int(bit))
            missing = len(bits) > 1 and sum(bits) < 2  # the carry's wire is there, and is 0
            out[column + 1] += [0] * missing
        else:
            out[column] += bits
    return out


def oracle(spec, a, b):
    halves = []
    for first in (0, 4):
        columns = defaultdict(list)
        for row in range(first, first + 4):
            for place in range(8):
                columns[row + place].append(a // 2**place % 2 * (b // 2**row % 2))
        halves.append(stage(spec, columns))
    rows = {column: halves[0][column] + halves[1][column] for column in range(17)}
    rows = {column: bits for column, bits in rows.items() if bits}
    return sum(bit * 2**column for column, bits in stage(spec, rows).items() for bit in bits)
