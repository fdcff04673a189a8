from family_vectors import Vectors

VECTORS = [
    Vectors("essm8_m4", (18432, 14080, 9, 57600, 42, 240), sum=968952384, mred=9.3732),
    Vectors("essm16_m8", (1993605120, 666894336, 4261478400, 2016), mred=1.135),
]


def oracle(spec, a, b):
    def cut(x):
        rest = spec.width - spec.m
        low, high = 2 ** (rest // 2), 2**rest
        if x < 2**spec.m:
            return x
        step = low if x < low * 2**spec.m else high
        return x // step * step

    return cut(a) * cut(b)
