from family_vectors import Vectors

VECTORS = [
    Vectors("perforated8_j0_n2", (20000, 16104, 0, 64260, 28, 252), sum=1052835840),
    Vectors("perforated8_j1_n3", (19200, 14823, 3, 61455, 0, 241), sum=1006878720),
    Vectors("perforated16_j0_n2", (2000000000, 670580400, 4294639620, 1200)),
]


def oracle(spec, a, b):
    left_out = range(spec.j, spec.j + spec.n)
    rows = (row for row in range(spec.width) if row not in left_out)
    return sum(a * 2**row for row in rows if b // 2**row % 2)
