from family_vectors import Vectors

VECTORS = [
    Vectors("ssm8_m5", (19200, 15488, 9, 61504, 42, 248), sum=1014804736, mred=5.5524),
    Vectors("ssm8_m6", sum=1046651904),
    Vectors("ssm16_m8", mred=2.087),
    Vectors("ssm16_m9", (1993605120, 666894336, 4278206464, 2100), mred=0.930),
    Vectors("ssm16_m10", mred=0.399),
]


def oracle(spec, a, b):
    def cut(x):
        step = 2 ** (spec.width - spec.m)
        return x // step * step if x >= 2**spec.m else x

    return cut(a) * cut(b)
