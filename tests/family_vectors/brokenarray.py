import functools
from fractions import Fraction

from family_vectors import Vectors

VECTORS = [
    Vectors("brokenarray8_v8", (19968, 15872, 0, 63232, 0, 0), sum=1035993088),
    Vectors("brokenarray8_v8_mean", (512, 512), pairs=((0, 0), (0, 255)), sum=1069547520),
    Vectors("brokenarray8_h2_v8", sum=1031798784),
    Vectors("brokenarray16_h2_v12", (1999998976, 670576640, 4294602752, 0), mred=0.039),
]


def is_there(spec, i, j):
    return j >= spec.h and i + j >= spec.v


@functools.cache
def constant(spec):
    """Return the mean of the cells left out, each 1 for a quarter of the operands."""
    width = range(spec.width)
    lost = sum(2 ** (i + j) for i in width for j in width if not is_there(spec, i, j))
    return int(Fraction(lost, 4 * 2**spec.v) + Fraction(1, 2)) * 2**spec.v


def oracle(spec, a, b):
    ones_a, ones_b = ([k for k in range(spec.width) if x // 2**k % 2] for x in (a, b))
    cells = sum(2 ** (i + j) for i in ones_a for j in ones_b if is_there(spec, i, j))
    return cells + (constant(spec) if spec.mean else 0)
