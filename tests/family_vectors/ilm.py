from family_vectors import Vectors

VECTORS = [
    Vectors("ilm8_n1", (19968, 16400, 9, 61056, 42, 255), sum=1053007344, mred=0.8337),
    Vectors("ilm8_n2", sum=1064161799),
    Vectors("ilm16_n1", (1997340672, 670298112, 4026433536, 2088), mred=0.986),
]


def oracle(spec, a, b):
    total = 0
    for _ in range(spec.n + 1):
        if a == 0 or b == 0:
            break
        power_a, power_b = 2 ** (a.bit_length() - 1), 2 ** (b.bit_length() - 1)
        rest_a, rest_b = a - power_a, b - power_b
        total += power_a * power_b + rest_a * power_b + rest_b * power_a
        a, b = rest_a, rest_b
    return total
