from family_vectors import Vectors

PAIRS = ((-128, -128), (3, 3), (127, -1), (0, 5), (-77, 91), (100, -100))
VECTORS = [
    Vectors("boothr4_8s_kind1_p6", (16384, 9, -127, 0, -7007, -10000), PAIRS, sum=-1212416),
    # The shared page has -9992 for 100 * -100, which none of its own definitions gives.
    Vectors("boothr4_8s_kind2_p6", (16384, 57, -107, 41, -7007, -9972), PAIRS, sum=1589248),
]


def oracle(spec, a, b):
    low = 2**spec.p
    total = 0
    for i in range(spec.width // 2):
        below, bit, sign = ((2 * a) // 4**i // 2**place % 2 for place in range(3))
        digit = below + bit - 2 * sign
        if spec.kind == 1:
            approximate = 0 if digit in (2, -2) else digit * b
        else:
            approximate = (b ^ -sign) + sign
        row = digit * b * 4**i
        total += row - row % low + approximate * 4**i % low
    return total
