from family_vectors import Vectors

VECTORS = [
    Vectors("almsoa8_m3", (19328, 15296, 8, 65280, 41, 255), sum=1038853601, mred=3.0854),
    Vectors("almsoa16_m9", (1879015424, 629129216, 4294901760, 1983), mred=3.626),
]


def approximate_adder_product(width, m, a, b, low_sum):
    if a == 0 or b == 0:
        return 0
    scale, step = 2 ** (width - 1), 2**m
    (k_a, x), (k_b, y) = (
        (k, n * scale // 2**k - scale) for n in (a, b) for k in [n.bit_length() - 1]
    )
    carries_in = x % step >= step // 2 and y % step >= step // 2
    total = (x // step + y // step + carries_in) * step + low_sum(x % step, y % step)
    mantissa = scale + total if total < scale else 2 * total
    return mantissa * 2 ** (k_a + k_b) // scale


def oracle(spec, a, b):
    return approximate_adder_product(spec.width, spec.m, a, b, lambda x, y: 2**spec.m - 1)
