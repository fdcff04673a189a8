from family_vectors import Vectors

VECTORS = [
    Vectors("mitchellw8_w6", sum=1011085843, mred=4.8276),
    Vectors("mitchellw8_w4", (16384, 14336, 8, 57344, 40, 240), sum=946824083),
    Vectors("mitchellw16_w6", (1845493760, 620756992, 4160749568, 1952), bias=-5.896),
]


def mitchell(a, b):
    if a == 0 or b == 0:
        return 0
    power_a, power_b = (2 ** (x.bit_length() - 1) for x in (a, b))
    crossed = (a - power_a) * power_b + (b - power_b) * power_a
    if crossed < power_a * power_b:
        return power_a * power_b + crossed
    return 2 * crossed


def oracle(spec, a, b):
    def cut(x):
        step = 2 ** max(x.bit_length() - spec.w, 0)
        return x // step * step

    return mitchell(cut(a), cut(b))
