import operator

from family_vectors import Vectors
from family_vectors.almsoa import approximate_adder_product

VECTORS = [
    Vectors("almloa8_m3", sum=1027929875, mred=3.7043),
    Vectors("almloa16_m9", (1873281024, 624771072, 4294901760, 1968), mred=3.856),
]


def oracle(spec, a, b):
    return approximate_adder_product(spec.width, spec.m, a, b, operator.or_)
