from family_vectors import Vectors

VECTORS = [
    Vectors("tosam8_h2_t4", (20608, 15488, 9, 59648, 44, 262), sum=1043652912, mred=2.7538),
    Vectors("tosam8_h3_t7", sum=1068089918, mred=1.1145),
    Vectors("tosam16_h3_t7", (1983905792, 682622976, 4148166656, 2124), mred=1.048),
]


def oracle(spec, a, b):
    if a == 0 or b == 0:
        return 0

    t_units, h_units = 2**spec.t, 2 ** (spec.h + 1)

    def terms(x):
        power = 2 ** (x.bit_length() - 1)
        rest = x - power
        return power, rest * t_units // power, 2 * (rest * h_units // 2 // power) + 1

    (power_a, x, x_rounded), (power_b, y, y_rounded) = terms(a), terms(b)
    sum_part = (t_units + x + y) * h_units**2
    return (
        (sum_part + x_rounded * y_rounded * t_units) * power_a * power_b // (t_units * h_units**2)
    )
