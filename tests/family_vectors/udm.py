from family_vectors import Vectors

VECTORS = [
    Vectors("udm8", (20000, 16619, 7, 50575, 42, 255), sum=1006182400, mred=3.2805),
    Vectors("udm16", (1965921280, 535719145, 3340428175, 2092), mred=3.320),
]


def digits(x):
    while x:
        yield x % 4
        x //= 4


def oracle(spec, a, b):
    return sum(
        (7 if x == y == 3 else x * y) * 4 ** (i + j)
        for i, x in enumerate(digits(a))
        for j, y in enumerate(digits(b))
    )
