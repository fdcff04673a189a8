import functools
from fractions import Fraction

from family_vectors import Vectors
from mbm_hw.system.user_code import load_function
from proof.specification import FOLDER

VECTORS = [
    Vectors("realm8_m4", (19712, 16192, 9, 65024, 42, 263), sum=1064771256, mred=1.4589),
    Vectors(
        "realm8_m8",
        (19968, 16704, 9, 65024, 42, 259),
        sum=1064770564,
        bias=0.0450,
        mred=0.8983,
        peak_min=-3.433,
        peak_max=3.571,
    ),
    Vectors("realm8_m16", sum=1065467057, mred=0.5946),
    Vectors("realm8_m4_t2", (20480, 15872, 10, 63488, 44, 264), sum=1068736661),
    Vectors("realm8_m8_t3", (19456, 16896, 10, 61440, 45, 256), sum=1056790898),
    Vectors("realm16_m16", (1992818688, 667238400, 4294836224, 2096), (), None, 0.010, 0.419),
    Vectors("realm16_m8", (1992818688, 663044096, 4294836224, 2096), (), None, -0.050, 0.754),
    Vectors("realm16_m4", (1959264256, 663044096, 4294836224, 2032), (), None, -0.022, 1.383),
    Vectors("realm16_m16_t8", (1996488704, 671088640, 4261412864, 2112), (), None, 0.022, 0.546),
    Vectors("realm16_m4_t9", (1962934272, 671088640, 4227858432, 2048), (), None, -0.215, 1.583),
]


factors = functools.cache(load_function(f"{FOLDER / 'realm_factors.py'}:factors"))
"""The factors by the integrals that define them: those of the solver's definition."""


@functools.cache
def log2(spec, x):
    """Return characteristic and fraction of x, the lowest kept bit set where bits are dropped."""
    k = x.bit_length() - 1
    fraction, step = Fraction(x, 2**k) - 1, kept_step(spec)
    if spec.truncation:
        fraction = (fraction // step | 1) * step
    return k, fraction


def kept_step(spec):
    return Fraction(2**spec.truncation, 2 ** (spec.width - 1))


@functools.cache
def corrected(spec, x, y):
    """Return the sum of two fractions and its correction, and the sum alone, both less a carry."""
    bits = 5 if spec.width <= 8 else 6
    factor = Fraction(int(factors(spec.m, bits)[int(x * spec.m), int(y * spec.m)]), 2**bits)
    carry, step = int(x + y >= 1), kept_step(spec)
    fraction = x + y - carry
    return carry, fraction, fraction + factor / (1 + carry) // step * step


def oracle(spec, a, b):
    if a == 0 or b == 0:
        return 0
    (k1, x), (k2, y) = log2(spec, a), log2(spec, b)
    carry, fraction, mantissa = corrected(spec, x, y)
    ch = k1 + k2 + carry
    if ch == 2 * spec.width - 1 and mantissa >= 1:
        mantissa = fraction
    return int((1 + mantissa) * 2**ch // 1) + (carry and ch <= 5)
