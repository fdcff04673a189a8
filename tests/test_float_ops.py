"""The float operators against the reference's products, added one by one in NumPy's float32."""

import numpy as np
import pytest
import torch
from convolutions import LAYOUTS, convolutions, on_threads
from devices import BACKENDS, each_backend, on, run
from float_patterns import QUIET_NAN, SPECS, each_spec, random_patterns, tensor, widened
from hypothesis import given, settings
from hypothesis import strategies as st
from isas import ISAS

from mbm_hw import FloatExact, FloatLMul, FloatMBM, FloatMitchell, multiply, ops
from mbm_hw.ops import cpu_kernels

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
    FloatLMul(exponent_bits=4, mantissa_bits=3),
    FloatLMul(exponent_bits=3, mantissa_bits=4),  # whose mantissas may carry 2
    FloatLMul(exponent_bits=5, mantissa_bits=5),
    FloatMBM(2, 8),
    FloatMBM(2, 9, truncation=1, force_lsb=True),
    FloatMBM(2, 1),
)


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
    for backend in BACKENDS:
        with on(backend) as device:
            for rows, columns in ((None, None), (None, 5), (5, None)):
                actual = run(ops.float_matmul, device, x[:rows, None], w[None, :columns], spec)
                check(spec, actual, expected[:rows, :columns])


@pytest.mark.parametrize("spec", NARROW, ids=lambda spec: spec.identifier)
def test_all_products_of_narrow_formats_are_the_references(spec):
    patterns = np.arange(1 << spec.width)
    check_products(spec, patterns, patterns)


def test_a_float_family_without_a_lowering_multiplies_by_its_mantissa_table(monkeypatch):
    """One that does not commute, so that exchanged operands show."""
    monkeypatch.setattr(FloatLMul, "lowering", lambda self: None)
    monkeypatch.setattr(FloatLMul, "product", lambda self, a, b: a + (b >> 1))
    cpu_kernels._float_multiplier.cache_clear()
    spec = FloatLMul(exponent_bits=3, mantissa_bits=4)
    patterns = np.arange(1 << spec.width)
    try:
        assert "by table" in ops.kernel_name(spec)
        check_products(spec, patterns, patterns)
    finally:
        cpu_kernels._float_multiplier.cache_clear()


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
    for backend in BACKENDS:
        with on(backend) as device:
            check(spec, run(ops.float_conv2d, device, x, w, spec, groups=700), expected)


KINDS = st.sampled_from(["network", "finite", "any"])


@settings(max_examples=200, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    convolution=convolutions(),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    kinds=st.tuples(KINDS, KINDS),
    backend=st.sampled_from(BACKENDS),
    seed=st.integers(0, 2**32 - 1),
)
def test_conv2d_adds_in_order(spec, convolution, layouts, kinds, backend, seed):
    x_shape, w_shape, parameters = convolution
    x = random_patterns(spec, x_shape, seed, kinds[0])
    w = random_patterns(spec, w_shape, seed + 1, kinds[1])
    with on(backend) as device:
        x_tensor, w_tensor = (
            LAYOUTS[layout](tensor(spec, patterns).to(device))
            for layout, patterns in zip(layouts, (x, w), strict=True)
        )
        actual = ops.float_conv2d(x_tensor, w_tensor, spec, *parameters).cpu()
    # A layout may repeat values: the patterns as it has them.
    x, w = (
        LAYOUTS[layout](torch.from_numpy(patterns.astype(np.int64))).numpy()
        for layout, patterns in zip(layouts, (x, w), strict=True)
    )
    check(spec, actual, naive_conv2d(spec, x, w, *parameters))


@settings(max_examples=100, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    shape=st.tuples(st.integers(0, 70), st.integers(0, 40), st.integers(0, 20)),
    transposed=st.tuples(st.booleans(), st.booleans()),
    kinds=st.tuples(KINDS, KINDS),
    backend=st.sampled_from(BACKENDS),
    seed=st.integers(0, 2**32 - 1),
)
def test_matmul_adds_in_order(spec, shape, transposed, kinds, backend, seed):
    m, k, n = shape
    x = random_patterns(spec, (m, k), seed, kinds[0])
    w = random_patterns(spec, (k, n), seed + 1, kinds[1])
    operands = [
        t.t().contiguous().t() if flag else t
        for t, flag in zip((tensor(spec, x), tensor(spec, w)), transposed, strict=True)
    ]
    expected = summed(products_of(spec, x[:, None, :], w.T[None]))
    with on(backend) as device:
        check(spec, run(ops.float_matmul, device, *operands, spec), expected)
        swapped = (t.t() for t in reversed(operands))
        check(spec, run(ops.float_matmul, device, *swapped, spec), expected.T)


@each_spec
@pytest.mark.parametrize(
    ("backend", "threads"), [*((backend, 1) for backend in BACKENDS), (ISAS[-1], 5)]
)
@pytest.mark.parametrize("special", [False, True])
def test_many_tiles_and_threads_give_the_same_bits(spec, backend, threads, special):
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
    operands = tensor(spec, x), tensor(spec, w)
    with on(backend) as device, on_threads(threads):
        actual = run(ops.float_conv2d, device, *operands, spec, padding=1, groups=2)
    patches = torch.nn.functional.unfold(torch.from_numpy(x).double(), 3, padding=1).long().numpy()
    for image, o in [(0, 0), (1, 138), (0, 139), (1, 277), (1, 200)]:
        first = 0 if o < 139 else 34 * 9
        met = patches[image, first : first + 34 * 9]
        expected = summed(products_of(spec, met.T, w[o].flatten()))
        check(spec, actual[image, o].flatten(), expected)


@each_backend
def test_exact_fp32_is_the_machines_multiply_then_add(device):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(45, 333, generator=generator)
    w = torch.randn(333, 21, generator=generator)
    expected = torch.zeros(45, 21)
    for k in range(333):
        expected = expected + x[:, k, None] * w[k]
    assert torch.equal(run(ops.float_matmul, device, x, w, FloatExact(8, 23)), expected)


@each_backend
@each_spec
def test_padding_is_a_positive_zero(spec, device):
    """Times a finite weight nothing, times an infinite one NaN."""
    infinity = torch.tensor(float("inf"))
    one = torch.ones(1, 1, 1, 1)
    w = torch.ones(1, 1, 3, 3)
    alone = run(ops.float_matmul, device, one[0, 0], one[0, 0], spec)
    assert torch.equal(run(ops.float_conv2d, device, one, w, spec, padding=1), alone[None, None])
    w[0, 0, 1, 1] = infinity
    assert run(ops.float_conv2d, device, one, w, spec, padding=1).item() == float("inf")
    w[0, 0, 2, 2] = infinity
    y = run(ops.float_conv2d, device, one, w, spec, padding=1)
    assert y.view(torch.int32).item() == QUIET_NAN


@each_backend
def test_sums_may_be_subnormal_whatever_the_threads_mode(device):
    """1.5 * 2**-126 - 2**-126 is 2**-127."""
    x = torch.tensor([[1.5, -1.0]])
    w = torch.full((2, 1), 2.0**-126)
    assert torch.set_flush_denormal(True)
    try:
        y = run(ops.float_matmul, device, x, w, FloatMitchell(8, 23))
    finally:
        torch.set_flush_denormal(False)
    assert y.view(torch.int32).item() == 1 << 22
