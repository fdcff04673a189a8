from family_vectors import Vectors

VECTORS = [
    Vectors(
        "dralm8_t6",
        (19968, 15104, 8, 64512, 43, 264),
        sum=1056148989,
        bias=-0.333,
        mred=2.9316,
    ),
    Vectors("dralm8_t4", sum=1125842483),
    Vectors("dralm16_t6", (1912602624, 654311424, 4227858432, 2016), mred=3.024),
]


def oracle(spec, a, b):
    if a == 0 or b == 0:
        return 0
    steps = 2 ** (spec.t - 1)

    def kept(x):
        power = 2 ** (x.bit_length() - 1)
        return power, (x - power) * steps // power | 1

    (power_a, x), (power_b, y) = kept(a), kept(b)
    total = x + y + 1
    mantissa = steps + total if total < steps else 2 * total
    return power_a * power_b * mantissa // steps
