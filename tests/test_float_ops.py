"""The float operators against the reference's products, added one by one in NumPy's float32."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from isas import ISAS, forced
from torch._subclasses.fake_tensor import FakeTensorMode

from mbm_hw import CATALOG, MBM, FloatExact, FloatMBM, FloatMitchell, multiply, ops
from mbm_hw.ops.float_values import float_spec_values

SPECS = (
    FloatExact(8, 23),
    FloatExact(8, 7),
    FloatExact(5, 10),
    FloatMitchell(8, 23),
    FloatMitchell(8, 7),
    FloatMitchell(5, 10),
    FloatMitchell(8, 23, truncation=9),
    FloatMBM(8, 23),
    FloatMBM(8, 23, truncation=20),
    FloatMBM(8, 7, force_lsb=True),
    FloatMBM(8, 7),
    FloatMBM(5, 10),
    FloatMBM(5, 10, truncation=3),
    FloatMBM(6, 9, force_lsb=True),
    FloatMBM(7, 12),
    FloatMBM(8, 5, force_lsb=True),
    FloatMBM(4, 3),
)
NARROW = (
    FloatExact(4, 3),
    FloatExact(5, 2),
    FloatExact(3, 6),
    FloatExact(2, 1),
    FloatMitchell(4, 3),
    FloatMitchell(4, 4, truncation=1),
    FloatMBM(4, 3),
    FloatMBM(5, 2, force_lsb=True),
    FloatMBM(3, 5),
    FloatMBM(3, 6, truncation=2),
    FloatMBM(2, 8),
    FloatMBM(2, 9, truncation=1, force_lsb=True),
    FloatMBM(2, 1),
)
each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.identifier)
QUIET_NAN = 0x7FC00000


def widened(spec, patterns):
    """Return bit patterns of the format as float32 values, subnormal numbers too."""
    m, bias = spec.mantissa_bits, spec.exponent_bias
    patterns = np.asarray(patterns, np.int64)
    sign = np.where(patterns >> (spec.width - 1), -1.0, 1.0)
    exponent, mantissa = patterns >> m & spec.exponent_max, patterns % (1 << m)
    values = np.ldexp(1 + mantissa / 2.0**m, exponent - bias)
    values = np.where(exponent == 0, np.ldexp(mantissa / 2.0**m, 1 - bias), values)
    values = np.where(exponent == spec.exponent_max, np.where(mantissa, np.nan, np.inf), values)
    with np.errstate(invalid="ignore"):
        return (sign * values).astype(np.float32)


def tensor(spec, patterns):
    return torch.from_numpy(widened(spec, patterns))


def random_patterns(spec, shape, seed=0, kind="network"):
    """Return patterns of the format: like a network's, of all finite values, or of any value."""
    generator = np.random.default_rng(seed)
    m, bias, top = spec.mantissa_bits, spec.exponent_bias, spec.exponent_max
    signs = generator.integers(0, 2, shape) << (spec.width - 1)
    if kind == "any":
        special = [0, 1, (1 << m) - 1, 1 << m, bias << m, (top << m) - 1, top << m, (top << m) + 1]
        patterns = generator.integers(0, 1 << (spec.width - 1), shape)
        return signs | np.where(
            generator.random(shape) < 0.2, generator.choice(special, shape), patterns
        )
    low, high = (0, top - 1) if kind == "finite" else (max(bias - 6, 0), min(bias + 2, top - 1))
    exponents = generator.integers(low, high, shape, endpoint=True)
    patterns = signs | exponents << m | generator.integers(0, 1 << m, shape)
    zero = generator.random(shape) < 0.2
    return np.where(zero, signs, patterns)


def products_of(spec, a, b):
    return widened(spec, multiply(spec, a, b))


def summed(products):
    """Return the sums over the last axis, one by one from +0, in float32; NaN is the quiet one."""
    total = np.zeros(products.shape[:-1], np.float32)
    with np.errstate(all="ignore"):
        for k in range(products.shape[-1]):
            total = total + products[..., k]
    assert total.dtype == np.float32
    return np.where(np.isnan(total), np.uint32(QUIET_NAN).view(np.float32), total)


def naive_conv2d(spec, x, w, stride, padding, dilation, groups):
    """Return the sums float32 [N, O, OH, OW] for patterns x [N, C, H, W], w [O, I, kH, kW]."""
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    extents = [d * (size - 1) + 1 for d, size in zip(dilation, w.shape[2:], strict=True)]
    size = [(padded.shape[2 + i] - extents[i]) // stride[i] + 1 for i in range(2)]
    out = np.zeros((len(x), len(w), *size), np.float32)
    for image, o, row, column in np.ndindex(out.shape):
        first = o // (len(w) // groups) * w.shape[1]
        top, left = row * stride[0], column * stride[1]
        rows = slice(top, top + extents[0], dilation[0])
        columns = slice(left, left + extents[1], dilation[1])
        met = padded[image, first : first + w.shape[1], rows, columns]
        out[image, o, row, column] = summed(products_of(spec, met, w[o]).reshape(1, -1))[0]
    return out


def check(spec, actual, expected):
    assert actual.dtype == torch.float32
    bits = actual.numpy().view(np.uint32)
    wanted = np.ascontiguousarray(expected, np.float32).view(np.uint32).reshape(bits.shape)
    wrong = np.argwhere(bits != wanted)
    assert len(wrong) == 0, (
        f"{spec.identifier}: {len(wrong)} sums differ, first at {list(wrong[0])}: "
        f"{bits[tuple(wrong[0])]:#x}, expected {wanted[tuple(wrong[0])]:#x}"
    )


def check_products(spec, a, b):
    """A sum of one product is the product, but for a negative zero: +0 + -0 is +0."""
    expected = summed(products_of(spec, a[:, None], b)[..., None])
    x, w = tensor(spec, a), tensor(spec, b)
    for isa in ISAS:
        with forced(isa):
            check(spec, ops.float_matmul(x[:, None], w[None], spec), expected)
            check(spec, ops.float_matmul(x[:, None], w[None, :5], spec), expected[:, :5])
            check(spec, ops.float_matmul(x[:5, None], w[None], spec), expected[:5])


@pytest.mark.parametrize("spec", NARROW, ids=lambda spec: spec.identifier)
def test_all_products_of_narrow_formats_are_the_references(spec):
    patterns = np.arange(1 << spec.width)
    check_products(spec, patterns, patterns)


@pytest.mark.parametrize(
    "spec",
    [s for s in SPECS if s.mantissa_bits <= 7],
    ids=lambda spec: spec.identifier,
)
def test_all_mantissas_meet_with_every_kind_of_exponent(spec):
    m, bias, top = spec.mantissa_bits, spec.exponent_bias, spec.exponent_max
    mantissas = np.arange(1 << m)
    exponents = np.array([0, 1, 2, bias // 2, bias - 1, bias, bias + bias // 2, top - 1, top])
    patterns = (exponents[:, None] << m | mantissas).flatten()
    check_products(spec, patterns, np.append(patterns[::3], patterns | 1 << (spec.width - 1)))


@each_spec
@pytest.mark.parametrize("kind", ["network", "finite", "any"])
def test_products_of_a_sample_are_the_references(spec, kind):
    """One tile of plain values, one of all finite ones, one with infinities and NaNs."""
    a, b = (random_patterns(spec, 700, seed, kind) for seed in (1, 2))
    if kind == "network":  # mantissas near the corners of the carry and of the correction
        m, one = spec.mantissa_bits, 1 << spec.mantissa_bits
        b[:300] = b[:300] >> m << m | np.arange(-150, 150) * max(one >> 11, 1) + one // 16 & one - 1
        a[:300] = a[:300] >> m << m | -(b[:300] & one - 1) & one - 1
    check_products(spec, a, b)
    expected = summed(products_of(spec, a, b)[:, None])
    x, w = tensor(spec, a)[None, :, None, None], tensor(spec, b)[:, None, None, None]
    for isa in ISAS:
        with forced(isa):
            check(spec, ops.float_conv2d(x, w, spec, groups=700), expected)


@st.composite
def convolutions(draw):
    number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    both = lambda low, high: (number(low, high), number(low, high))  # noqa: E731
    stride, padding, dilation, kernel = both(1, 3), both(0, 3), both(1, 3), both(1, 3)
    groups, channels, outputs = number(1, 3), number(1, 3), number(1, 3)
    least = [max(1, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) for i in range(2)]
    size = [number(least[i], least[i] + 5) for i in range(2)]
    x_shape = (number(0, 2), groups * channels, *size)
    w_shape = (groups * outputs, channels, *kernel)
    return x_shape, w_shape, (stride, padding, dilation, groups)


LAYOUTS = {
    "contiguous": lambda x: x,
    "channels_last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "every other": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "transposed": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
}
KINDS = st.sampled_from(["network", "finite", "any"])


@settings(max_examples=200, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    convolution=convolutions(),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    kinds=st.tuples(KINDS, KINDS),
    isa=st.sampled_from(ISAS),
    seed=st.integers(0, 2**32 - 1),
)
def test_conv2d_adds_in_order(spec, convolution, layouts, kinds, isa, seed):
    x_shape, w_shape, parameters = convolution
    x = random_patterns(spec, x_shape, seed, kinds[0])
    w = random_patterns(spec, w_shape, seed + 1, kinds[1])
    x_tensor, w_tensor = LAYOUTS[layouts[0]](tensor(spec, x)), LAYOUTS[layouts[1]](tensor(spec, w))
    with forced(isa):
        actual = ops.float_conv2d(x_tensor, w_tensor, spec, *parameters)
    check(spec, actual, naive_conv2d(spec, x, w, *parameters))


@settings(max_examples=100, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    shape=st.tuples(st.integers(0, 70), st.integers(0, 40), st.integers(0, 20)),
    transposed=st.tuples(st.booleans(), st.booleans()),
    kinds=st.tuples(KINDS, KINDS),
    isa=st.sampled_from(ISAS),
    seed=st.integers(0, 2**32 - 1),
)
def test_matmul_adds_in_order(spec, shape, transposed, kinds, isa, seed):
    m, k, n = shape
    x = random_patterns(spec, (m, k), seed, kinds[0])
    w = random_patterns(spec, (k, n), seed + 1, kinds[1])
    operands = [
        t.t().contiguous().t() if flag else t
        for t, flag in zip((tensor(spec, x), tensor(spec, w)), transposed, strict=True)
    ]
    expected = summed(products_of(spec, x[:, None, :], w.T[None]))
    with forced(isa):
        check(spec, ops.float_matmul(*operands, spec), expected)
        check(spec, ops.float_matmul(operands[1].t(), operands[0].t(), spec), expected.T)


@each_spec
@pytest.mark.parametrize(("isa", "threads"), [*((isa, 1) for isa in ISAS), (ISAS[-1], 5)])
@pytest.mark.parametrize("special", [False, True])
def test_many_tiles_and_threads_give_the_same_bits(spec, isa, threads, special):
    """More positions, terms and outputs than a tile holds, none a multiple of its sides."""
    x = random_patterns(spec, (2, 68, 17, 19), 1)
    w = random_patterns(spec, (278, 34, 3, 3), 2)
    if special:  # in some tiles: zero, infinite and NaN weights and activations
        w[::9, 5], w[139, 20, 1, 1], w[200, 33, 2, 2] = (
            0,
            spec.exponent_max << spec.mantissa_bits,
            1,
        )
        x[1, 40, 3, 4] = (spec.exponent_max << spec.mantissa_bits) + 1
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with forced(isa):
            actual = ops.float_conv2d(tensor(spec, x), tensor(spec, w), spec, padding=1, groups=2)
    finally:
        torch.set_num_threads(before)
    patches = torch.nn.functional.unfold(torch.from_numpy(x).double(), 3, padding=1).long().numpy()
    for image, o in [(0, 0), (1, 138), (0, 139), (1, 277), (1, 200)]:
        first = 0 if o < 139 else 34 * 9
        met = patches[image, first : first + 34 * 9]
        expected = summed(products_of(spec, met.T, w[o].flatten()))
        check(spec, actual[image, o].flatten(), expected)


def test_exact_fp32_is_the_machines_multiply_then_add():
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(45, 333, generator=generator)
    w = torch.randn(333, 21, generator=generator)
    expected = torch.zeros(45, 21)
    for k in range(333):
        expected = expected + x[:, k, None] * w[k]
    assert torch.equal(ops.float_matmul(x, w, FloatExact(8, 23)), expected)


@each_spec
def test_padding_is_a_positive_zero(spec):
    """Times a finite weight nothing, times an infinite one NaN."""
    infinity = torch.tensor(float("inf"))
    one = torch.ones(1, 1, 1, 1)
    w = torch.ones(1, 1, 3, 3)
    alone = ops.float_matmul(one[0, 0], one[0, 0], spec)
    assert torch.equal(ops.float_conv2d(one, w, spec, padding=1), alone[None, None])
    w[0, 0, 1, 1] = infinity
    assert ops.float_conv2d(one, w, spec, padding=1).item() == float("inf")
    w[0, 0, 2, 2] = infinity
    y = ops.float_conv2d(one, w, spec, padding=1)
    assert y.view(torch.int32).item() == QUIET_NAN


def test_sums_may_be_subnormal_whatever_the_threads_mode():
    """1.5 * 2**-126 - 2**-126 is 2**-127."""
    x = torch.tensor([[1.5, -1.0]])
    w = torch.full((2, 1), 2.0**-126)
    assert torch.set_flush_denormal(True)
    try:
        y = ops.float_matmul(x, w, FloatMitchell(8, 23))
    finally:
        torch.set_flush_denormal(False)
    assert y.view(torch.int32).item() == 1 << 22


@each_spec
def test_no_terms_and_no_outputs(spec):
    empty = torch.zeros(3, 0)
    assert torch.equal(ops.float_matmul(empty, empty.t(), spec), torch.zeros(3, 3))
    x, w = torch.zeros(2, 0, 4, 4), torch.zeros(5, 0, 3, 3)
    assert torch.equal(ops.float_conv2d(x, w, spec), torch.zeros(2, 5, 2, 2))
    assert ops.float_conv2d(torch.zeros(0, 3, 4, 4), torch.zeros(5, 3, 1, 1), spec).shape == (
        (0, 5, 4, 4)
    )


@each_spec
def test_opcheck(spec):
    values = float_spec_values(spec)
    x = tensor(spec, random_patterns(spec, (2, 4, 6, 5)))
    w = tensor(spec, random_patterns(spec, (6, 2, 3, 2)))
    conv2d = torch.ops.mbm_hw.float_conv2d.default
    torch.library.opcheck(conv2d, (x, w, *values, [2, 1], [1, 0], [1, 2], 2))
    matmul = torch.ops.mbm_hw.float_matmul.default
    torch.library.opcheck(matmul, (x.reshape(8, 30), x.reshape(8, 30).t(), *values))


def test_fakes_give_shape_and_dtype():
    with FakeTensorMode():
        x, w = torch.empty(2, 6, 9, 8), torch.empty(4, 3, 3, 1)
        y = ops.float_conv2d(x, w, FloatMBM(8, 7), (2, 1), (1, 2), (2, 1), 2)
        assert (y.shape, y.dtype) == ((2, 4, 4, 12), torch.float32)
        z = ops.float_matmul(x.reshape(12, 72), x.reshape(72, 12), FloatMBM(8, 7))
        assert (z.shape, z.dtype) == ((12, 12), torch.float32)


def test_operators_compile_with_dynamic_shapes():
    @torch.compile(backend="aot_eager", dynamic=True)
    def compiled(x, w, spec):
        y = ops.float_conv2d(x, w, spec, padding=1)
        return y + ops.float_matmul(x[0, 0], x[0, 0].t(), spec).sum()

    for size in (5, 6):
        for name in ("mbm_bf16", "exact_fp16"):
            spec = CATALOG[name]
            x = tensor(spec, random_patterns(spec, (2, 3, size, size)))
            w = tensor(spec, random_patterns(spec, (4, 3, 3, 3)))
            expected = ops.float_conv2d(x, w, spec, padding=1)
            expected += ops.float_matmul(x[0, 0], x[0, 0].t(), spec).sum()
            assert torch.equal(compiled(x, w, spec), expected)


ONES = torch.ones(2, 4, 5, 5)
BF16 = FloatMBM(8, 7)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((ONES, ONES, MBM(8)), TypeError, "spec must be a float multiplier spec"),
        ((ONES.double(), ONES, BF16), TypeError, "float_conv2d takes torch.float32 values, not"),
        ((ONES, ONES.bfloat16(), BF16), TypeError, "not torch.float32 and torch.bfloat16"),
        ((ONES, ONES.numpy(), BF16), TypeError, "float_conv2d: w must be a tensor, not ndarray"),
        ((ONES[0], ONES, BF16), ValueError, r"float_conv2d takes x \[N, C, H, W\] .* \[4, 5, 5\]"),
        ((ONES, ONES[:, :3], BF16), ValueError, "O divisible by groups, .* groups=1"),
        ((ONES, ONES, BF16, 0), ValueError, r"stride must be .* at least 1, not \[0, 0\]"),
        ((ONES, ONES, BF16, (1, 2, 3)), ValueError, "float_conv2d: stride must be an integer or"),
        ((ONES, ONES, BF16, 1, 0, 2), ValueError, "not 9 for 5"),
    ],
)
def test_conv2d_says_what_is_wrong(arguments, error, text):
    with pytest.raises(error, match=text):
        ops.float_conv2d(*arguments)


def test_matmul_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"x \[M, K\] and w \[K, N\], not \[5, 5\] and \[4, 5\]"):
        ops.float_matmul(ONES[0, 0], ONES[0, 0, :4], BF16)
    with pytest.raises(TypeError, match=r"values, not torch.int64"):
        ops.float_matmul(ONES[0, 0].long(), ONES[0, 0], BF16)


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (FloatMBM(8, 7), 1 + 2**-8),
        (FloatMBM(8, 7), 2.0**-126 * (1 + 2**-8)),
        (FloatMBM(8, 7), 2.0**-134),
        (FloatMBM(5, 10), 65536.0),
        (FloatMBM(5, 10), 2.0**-25),
        (FloatMBM(5, 10), 2.0**-14 - 2.0**-25),
        (FloatMBM(5, 10), 2.0**-140),
        (FloatExact(4, 3), 256.0),
        (FloatExact(4, 3), 17.0),
    ],
)
def test_values_outside_the_format_are_refused(spec, value):
    good = torch.ones(3, 40)
    bad = good.clone()
    bad[2, 33] = -value
    text = rf"must hold values of {spec.format}, not -{value!r}: mbm_hw.float_format.round_to"
    with pytest.raises(ValueError, match=f"float_matmul: x {text}"):
        ops.float_matmul(bad, good.t(), spec)
    with pytest.raises(ValueError, match=f"float_matmul: w {text}"):
        ops.float_matmul(good, bad.t(), spec)
    with pytest.raises(ValueError, match=f"float_conv2d: w {text}"):
        ops.float_conv2d(good[None, None], bad[None, None, :, 32:34], spec)


@pytest.mark.parametrize("spec", [FloatMBM(8, 7), FloatMBM(5, 10), FloatExact(4, 3)], ids=str)
def test_all_values_of_the_format_are_taken(spec):
    """Subnormal numbers, as zeros, infinities and every NaN too."""
    patterns = np.arange(1 << spec.width)
    values = tensor(spec, patterns)
    m, top = spec.mantissa_bits, spec.exponent_max
    flushed = np.where((patterns >> m & top) == 0, patterns >> (spec.width - 1), patterns)
    y = ops.float_matmul(values[:, None], torch.ones(1, 1), spec)
    zero = (flushed >> m & top) == 0
    assert torch.equal(y[zero], torch.zeros_like(y[zero]))
    assert (y[~zero] != 0).all()
    payload = torch.tensor([[0x7F800001]], dtype=torch.int32).view(torch.float32)
    assert ops.float_matmul(payload, payload, spec).view(torch.int32).item() == QUIET_NAN


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("mbn", 8, 7, 0, False), "know the families exact, mitchell, mbm; not 'mbn'"),
        (("exact", 8, 7, 1, False), "FloatExact has no truncation, not 1"),
        (("mitchell", 8, 7, 1, True), "FloatMitchell has no force_lsb, not True"),
        (("mbm", 9, 7, 0, False), "exponent_bits must be an integer 2 to 8, not 9"),
    ],
)
def test_the_schemas_own_values_are_checked(values, text):
    with pytest.raises(ValueError, match=text):
        torch.ops.mbm_hw.float_matmul(ONES[0, 0], ONES[0, 0], *values)
