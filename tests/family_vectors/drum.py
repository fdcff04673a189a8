from family_vectors import Vectors

VECTORS = [
    Vectors(
        "drum8_k6",
        (20808, 16200, 9, 63504, 42, 252),
        sum=1071645696,
        bias=0.5707,
        mred=1.3013,
    ),
    Vectors("drum8_k4", (21632, 15488, 9, 57600, 42, 240), sum=1073217600),
    Vectors(
        "drum16_k6",
        (2003828736, 680787968, 4161798144, 2072),
        mred=1.467,
        peak_max=6.31,
    ),
]


def oracle(spec, a, b):
    def cut(x):
        bits = x.bit_length()
        if bits <= spec.k:
            return x
        step = 2 ** (bits - spec.k)
        quotient = x // step
        return (quotient + (quotient % 2 == 0)) * step

    return cut(a) * cut(b)
