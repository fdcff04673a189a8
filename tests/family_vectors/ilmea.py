from family_vectors import Vectors
from family_vectors.roba import nearest_power

VECTORS = [
    Vectors("ilmea8", sum=1065353471),
    Vectors(
        "ilmea16",
        (2112356352, 625295360, 4294836224, 2144),
        mred=2.886,
        peak_min=-11.1,
        peak_max=11.1,
    ),
]


def oracle(spec, a, b):
    rounded_a, rounded_b = nearest_power(a, 4), nearest_power(b, 4)
    return a * b - (rounded_a - a) * (rounded_b - b)
