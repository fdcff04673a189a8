from fractions import Fraction

import numpy as np
import pytest

from mbm_hw.multipliers import MBM, Exact, Mitchell, Table, multiply, pattern_values, product_table

VECTORS_8 = {  # shared specification, section 1: (a, b): (MBM, Mitchell)
    (1, 1): (1, 1),
    (3, 3): (9, 8),
    (5, 7): (34, 32),
    (10, 10): (101, 96),
    (11, 66): (760, 720),
    (17, 15): (258, 248),
    (100, 200): (19072, 18432),
    (128, 128): (17664, 16384),
    (192, 192): (34048, 32768),
    (255, 1): (265, 255),
    (255, 255): (65024, 65024),
}
VECTORS_16 = {  # (a, b): truncation 0, 1, 4, 8
    (32768, 32768): (1157627904, 1157758976, 1158676480, 1174405120),
    (40000, 50000): (1959264256, 1959395328, 1959788544, 1962934272),
    (12345, 54321): (646266880, 646316032, 646447104, 650117120),
    (65535, 65535): (4294836224, 4294705152, 4292870144, 4261412864),
    (300, 7): (2048, 2048, 2049, 2064),
}


def oracle(width, truncation, correction, a, b):
    """Return one unsigned product in exact fractions, written from the definition alone."""
    if a == 0 or b == 0:
        return 0
    step = Fraction(1, 2 ** (width - 1 - truncation))  # the weight of the lowest kept bit

    def cut(x):
        return x // step * step

    def log2(x):
        k = x.bit_length() - 1
        fraction = Fraction(x, 2**k) - 1
        if truncation:
            kept = cut(fraction)
            fraction = kept if kept / step % 2 else kept + step
        return k, fraction

    (k1, x), (k2, y) = log2(a), log2(b)
    carry = x + y >= 1
    f = x + y - carry
    ch = k1 + k2 + carry
    # The constant is 10/128 or 5/128, first cut to the width - 1 bits that a fraction has.
    grid = Fraction(1, 2 ** (width - 1))
    constant = cut(correction / (2 if carry else 1) // grid * grid) if correction else 0
    m = f + constant
    if ch == 2 * width - 1 and m >= 1:
        m = f
    product = (1 + m) * 2**ch // 1
    return int(product) + (1 if correction and carry and ch <= 6 else 0)


def test_published_8_bit_vectors():
    for (a, b), (mbm, mitchell) in VECTORS_8.items():
        assert multiply(MBM(8), a, b) == mbm, (a, b)
        assert multiply(Mitchell(8), a, b) == mitchell, (a, b)


def test_published_16_bit_vectors():
    for (a, b), products in VECTORS_16.items():
        for truncation, expected in zip((0, 1, 4, 8), products, strict=True):
            assert multiply(MBM(16, truncation), a, b) == expected, (a, b, truncation)


def test_published_table_sums():
    assert product_table(MBM(8)).sum() == 1062897374
    assert product_table(Mitchell(8)).sum() == 1025628691


@pytest.mark.parametrize("width", [4, 5, 6, 7])
@pytest.mark.parametrize(("family", "correction"), [(MBM, Fraction(5, 64)), (Mitchell, 0)])
def test_narrow_products_equal_the_oracle_for_every_truncation(family, correction, width):
    for truncation in range(width - 1):
        table = product_table(family(width, truncation))
        for (a, b), actual in np.ndenumerate(table):
            expected = oracle(width, truncation, correction, a, b)
            assert actual == expected, f"{family(width, truncation)}: {a} * {b} is {actual}"


@pytest.mark.parametrize("width", [8, 9, 15, 16, 24, 31, 32])
@pytest.mark.parametrize(("family", "correction"), [(MBM, Fraction(5, 64)), (Mitchell, 0)])
def test_wide_products_equal_the_oracle_at_corners_and_on_a_sample(family, correction, width):
    generator = np.random.default_rng(width)
    near_powers = {2**k + d for k in range(width) for d in (-1, 0, 1)} | {2**width - 1}
    corners = sorted(x for x in near_powers if x < 2**width)
    for truncation in {0, 1, width // 2, width - 2}:
        spec = family(width, truncation)
        bits = generator.uniform(0, width, (2, 150))
        sample = np.exp2(bits).astype(np.int64)
        a = np.concatenate([generator.choice(corners, 150), sample[0]])
        b = np.concatenate([generator.choice(corners, 150), sample[1]])
        for x, y, actual in zip(a.tolist(), b.tolist(), multiply(spec, a, b).tolist(), strict=True):
            expected = oracle(width, truncation, correction, x, y)
            assert actual == expected, f"{spec}: {x} * {y} is {actual}, expected {expected}"
            assert actual < 2 ** (2 * width)


@pytest.mark.parametrize("family", [Exact, Mitchell, MBM])
@pytest.mark.parametrize("width", [4, 8, 16, 32])
def test_signed_products_are_sign_times_the_magnitudes_product(family, width):
    signed, unsigned = family(width, signed=True), family(width)
    generator = np.random.default_rng(0)
    ends = [signed.operand_min, signed.operand_max, -1, 0, 1]
    a, b = generator.integers(signed.operand_min, signed.operand_max, (2, 500), endpoint=True)
    a, b = np.append(a, np.repeat(ends, 5)), np.append(b, np.tile(ends, 5))
    magnitudes = multiply(unsigned, abs(a), abs(b)).astype(np.int64)
    assert np.array_equal(multiply(signed, a, b), np.sign(a) * np.sign(b) * magnitudes)


def test_exact_32_bit_products_do_not_overflow():
    top = 2**32 - 1
    product = multiply(Exact(32), top, top)
    assert product.dtype == np.uint64
    assert int(product) == top * top
    assert int(multiply(Exact(32, signed=True), -(2**31), -(2**31))) == 2**62


def test_types_of_operands_and_products():
    assert isinstance(multiply(MBM(8), 3, 5), np.int64)
    assert multiply(MBM(8), np.uint8([1, 2]), np.uint8([[3], [255]])).shape == (2, 2)
    assert multiply(MBM(8, signed=True), np.int8(-128), np.int8(-128)) == 17664
    assert multiply(MBM(8), np.zeros((0, 3), int), 1).shape == (0, 3)
    assert multiply(MBM(32), np.uint64(2**32 - 1), np.uint64(1)).dtype == np.uint64


@pytest.mark.parametrize(
    ("spec", "a", "message"),
    [
        (MBM(8), 256, r"a must be 0 to 255 for MBM\(.*\), not 256"),
        (MBM(8), -1, "a must be 0 to 255 .*, not -1"),
        (MBM(8, signed=True), 255, "a must be -128 to 127 .*, not 255"),
        (MBM(8), 1.0, "a must be integers 0 to 255 .*, not float64"),
        (MBM(8), True, "a must be integers 0 to 255 .*, not bool"),
        (MBM(8), [1, 2, 999], "not 999"),
        (Table(product_table(MBM(4)), sign_magnitude=True), -16, "a must be -15 to 15 .*, not -16"),
        (Exact(32), np.uint64(2**32), "a must be 0 to 4294967295 .*, not 4294967296"),
    ],
)
def test_operands_outside_the_spec_are_refused(spec, a, message):
    with pytest.raises(ValueError, match=message):
        multiply(spec, a, 1)
    with pytest.raises(ValueError, match=message.replace("a must", "b must")):
        multiply(spec, 1, a)


def test_product_tables_are_indexed_by_patterns():
    table = product_table(MBM(8, signed=True))
    assert table.shape == (256, 256)
    assert table.dtype == np.int64
    assert table[0xFF, 3] == multiply(MBM(8, signed=True), -1, 3)
    assert table[0x80, 0x80] == 17664
    assert list(pattern_values(Exact(4, signed=True))[[0, 7, 8, 15]]) == [0, 7, -8, -1]
    with pytest.raises(ValueError, match="at most 12 bits"):
        product_table(MBM(13))


@pytest.mark.parametrize("signed", [False, True])
def test_a_table_multiplies_like_the_spec_it_was_read_from(signed):
    spec = MBM(6, truncation=1, signed=signed)
    table = Table(product_table(spec), signed=signed)
    operands = np.arange(spec.operand_min, spec.operand_max + 1)
    expected = multiply(spec, operands[:, None], operands)
    assert np.array_equal(multiply(table, operands[:, None], operands), expected)
    assert np.array_equal(product_table(table), product_table(spec))


def test_a_sign_magnitude_table_takes_both_signs_of_every_magnitude():
    table = Table(product_table(MBM(8)), sign_magnitude=True)
    assert multiply(table, -255, 255) == -65024
    assert multiply(table, -3, -3) == 9
    whole = product_table(table)
    assert whole.shape == (512, 512)
    assert whole[512 - 3, 3] == -9
    assert not whole[256].any()
    assert not whole[:, 256].any()
