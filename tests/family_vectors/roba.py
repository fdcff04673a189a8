from family_vectors import Vectors

VECTORS = [
    Vectors(
        "roba8",
        (18432, 15168, 8, 65024, 40, 255),
        sum=1065353975,
        bias=-0.0150,
        mred=2.8622,
    ),
    Vectors(
        "roba16",
        (2112356352, 625295360, 4294836224, 2144),
        mred=2.886,
        peak_min=-11.1,
        peak_max=11.1,
    ),
]


def nearest_power(x, of_3):
    if x == 3:
        return of_3
    powers = [2**k for k in range(x.bit_length() + 1)]
    return min(powers, key=lambda power: (abs(x - power), -power)) if x else 0


def oracle(spec, a, b):
    rounded_a, rounded_b = nearest_power(a, 2), nearest_power(b, 2)
    return a * b - (rounded_a - a) * (rounded_b - b)
