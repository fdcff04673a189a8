"""The operators against sums of the reference's products in Python integers."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from isas import ISAS, forced
from torch._subclasses.fake_tensor import FakeTensorMode

from mbm_hw import MBM, Exact, Mitchell, Table, multiply, ops, product_table
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.scaling import quantize, rescale
from mbm_hw.quantize import Fixed, Symmetric
from mbm_hw.quantize import rescale as plain_rescale

SIGN_MAGNITUDE = Table(product_table(MBM(8)), sign_magnitude=True)
# Its products differ from any other's, of every zero too, and a * b is not b * a.
ODD_TABLE = Table(np.random.default_rng(1).integers(-(2**15), 2**15, (256, 256)), signed=True)
SPECS = (
    Exact(8, signed=True),
    Exact(8),
    Exact(4, signed=True),
    Exact(16, signed=True),
    Exact(16),
    Mitchell(8, signed=True),
    Mitchell(11, truncation=3),
    MBM(4, signed=True),
    MBM(8, signed=True),
    MBM(8, truncation=2, signed=True),
    MBM(8),
    MBM(9),
    MBM(9, signed=True),
    MBM(11, signed=True),
    MBM(12, signed=True),
    Mitchell(12, signed=True),
    MBM(16, signed=True),
    MBM(16, truncation=8, signed=True),
    MBM(16),
    ODD_TABLE,
    Table(product_table(MBM(6)) ^ 1),
    Table(product_table(Mitchell(10, signed=True)), signed=True),
    Table(product_table(MBM(9))),
    SIGN_MAGNITUDE,
)
each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.identifier)


@pytest.fixture(params=ISAS)
def each_isa(request):
    with forced(request.param):
        yield


def random_codes(spec, shape, seed=0, extreme=False):
    """Return legal codes; extreme ones are the least, the largest, 0 and those next to them."""
    low, high = spec.operand_min, spec.operand_max
    random = np.random.default_rng(seed)
    if extreme:
        values = np.array([low, low + 1, low // 2, -1, 0, 1, high // 2, high - 1, high])
        codes = random.choice(values[values >= low], shape)
    else:
        codes = random.integers(low, high, shape, endpoint=True)
    return torch.from_numpy(codes).to(ops.code_dtype(spec))


def naive_conv2d(x, w, spec, stride, padding, dilation, groups):
    """Return the sums as nested lists of Python integers [N][O][OH][OW]."""
    padded = np.pad(x.numpy(), [(0, 0), (0, 0), *((p, p) for p in padding)])
    w = w.numpy()
    extents = [d * (size - 1) + 1 for d, size in zip(dilation, w.shape[2:], strict=True)]

    def output(image, o, row, column):
        first = o // (len(w) // groups) * w.shape[1]
        rows = slice(row * stride[0], row * stride[0] + extents[0], dilation[0])
        columns = slice(column * stride[1], column * stride[1] + extents[1], dilation[1])
        met = image[first : first + w.shape[1], rows, columns]
        return sum(int(product) for product in multiply(spec, met, w[o]).flat)

    heights, widths = (range((padded.shape[2 + i] - extents[i]) // stride[i] + 1) for i in range(2))
    return [
        [[[output(image, o, r, c) for c in widths] for r in heights] for o in range(len(w))]
        for image in padded
    ]


def naive_matmul(x, w, spec):
    products = multiply(spec, x.numpy()[:, :, None], w.numpy()[None])
    return products.astype(object).sum(1)


def check(spec, actual, expected):
    expected = np.array(expected, dtype=np.int64).reshape(actual.shape)
    assert actual.dtype == ops.sum_dtype(spec)
    wrong = np.argwhere(actual.numpy() != expected)
    assert len(wrong) == 0, (
        f"{spec.identifier}: {len(wrong)} sums differ, first at {list(wrong[0])}: "
        f"{actual.numpy()[tuple(wrong[0])]}, expected {expected[tuple(wrong[0])]}"
    )


@st.composite
def convolutions(draw):
    number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    both = lambda low, high: (number(low, high), number(low, high))  # noqa: E731
    stride, padding, dilation, kernel = both(1, 3), both(0, 3), both(1, 3), both(1, 3)
    groups, channels, outputs = number(1, 3), number(1, 3), number(1, 3)
    least = [max(1, dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]) for i in range(2)]
    size = [number(least[i], least[i] + 6) for i in range(2)]
    x_shape = (number(0, 2), groups * channels, *size)
    w_shape = (groups * outputs, channels, *kernel)
    return x_shape, w_shape, (stride, padding, dilation, groups)


LAYOUTS = {
    "contiguous": lambda x: x,
    "channels_last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "every other": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "transposed": lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2),
    "expanded": lambda x: x[:, :, :1, :1].expand(x.shape),
}


@settings(max_examples=400, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    convolution=convolutions(),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    isa=st.sampled_from(ISAS),
    extreme=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_conv2d_equals_the_reference(spec, convolution, layouts, isa, extreme, seed):
    x_shape, w_shape, parameters = convolution
    x = LAYOUTS[layouts[0]](random_codes(spec, x_shape, seed, extreme))
    w = LAYOUTS[layouts[1]](random_codes(spec, w_shape, seed + 1, extreme))
    with forced(isa):
        actual = ops.conv2d(x, w, spec, *parameters)
    check(spec, actual, naive_conv2d(x, w, spec, *parameters))


@settings(max_examples=100, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    shape=st.tuples(*[st.integers(0, 9)] * 3),
    transposed=st.tuples(st.booleans(), st.booleans()),
    isa=st.sampled_from(ISAS),
    extreme=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_matmul_equals_the_reference(spec, shape, transposed, isa, extreme, seed):
    m, k, n = shape
    x = random_codes(spec, (k, m) if transposed[0] else (m, k), seed, extreme)
    w = random_codes(spec, (n, k) if transposed[1] else (k, n), seed + 1, extreme)
    x, w = (tensor.t() if t else tensor for tensor, t in zip((x, w), transposed, strict=True))
    with forced(isa):
        actual = ops.matmul(x, w, spec)
    check(spec, actual, naive_matmul(x, w, spec))


@pytest.mark.usefixtures("each_isa")
@each_spec
def test_every_product_of_two_codes_is_the_references(spec):
    """With one term a sum is a product; above 9 bits, of all powers of two and a sample."""
    low, high = spec.operand_min, spec.operand_max
    codes = np.arange(low, high + 1)
    if spec.width > 9:
        powers = 2 ** np.arange(spec.width)
        near = np.concatenate([powers - 1, powers, powers + 1])
        sample = np.random.default_rng(0).choice(codes, 400)
        codes = np.unique(np.concatenate([near, -near, sample, [low, high]]))
        codes = codes[(codes >= low) & (codes <= high)]
    tensor = torch.from_numpy(codes).to(ops.code_dtype(spec))
    expected = multiply(spec, codes[:, None], codes)
    check(spec, ops.matmul(tensor[:, None], tensor[None], spec), expected)
    check(spec, ops.matmul(tensor[:, None], tensor[None, :100], spec), expected[:, :100])
    check(spec, ops.matmul(tensor[:100, None], tensor[None], spec), expected[:100])


@pytest.mark.usefixtures("each_isa")
@each_spec
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_tiles_and_threads_give_the_same_sums(spec, threads):
    """More positions, terms and outputs than a tile holds, none a multiple of its sides."""
    x, w = random_codes(spec, (2, 68, 17, 19), 1), random_codes(spec, (278, 34, 3, 3), 2)
    products = multiply(spec, 0, w[:, :2].numpy().astype(np.int64)).shape
    assert products == (278, 2, 3, 3)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        actual = ops.conv2d(x, w, spec, padding=1, groups=2)
    finally:
        torch.set_num_threads(before)
    patches = torch.nn.functional.unfold(x.double(), 3, padding=1).long().numpy()
    chosen = [(0, 0), (1, 138), (0, 139), (1, 277), (1, 200)]
    for image, o in chosen:
        first = 0 if o < 139 else 34 * 9
        met = patches[image, first : first + 34 * 9]
        expected = multiply(spec, met, w[o].flatten().numpy()[:, None]).sum(0, dtype=np.int64)
        check(spec, actual[image, o].flatten(), expected)


@pytest.mark.usefixtures("each_isa")
def test_wide_images_and_deep_sums_in_matmul():
    spec = ODD_TABLE
    x, w = random_codes(spec, (700, 600), 1), random_codes(spec, (600, 3), 2)
    check(spec, ops.matmul(x, w, spec), naive_matmul(x, w, spec))
    check(
        spec, ops.matmul(x[:3], w.repeat(1, 90), spec), naive_matmul(x[:3], w.repeat(1, 90), spec)
    )


@pytest.mark.usefixtures("each_isa")
@pytest.mark.parametrize("product", [-(2**15), 2**15 - 1])
def test_the_largest_sum_fits_int32(product):
    table = Table(np.full((256, 256), product), signed=True)
    x = torch.zeros(1, 2**16, dtype=torch.int8)
    assert ops.matmul(x, x.t(), table).item() == product * 2**16
    image = x.reshape(1, 1, 256, 256)
    assert ops.conv2d(image, image, table).item() == product * 2**16


@pytest.mark.usefixtures("each_isa")
@pytest.mark.parametrize("spec", [MBM(8, signed=True), Exact(8, signed=True)], ids=repr)
def test_extreme_codes_at_the_most_terms(spec):
    x = torch.full((1, 2**16), -128, dtype=torch.int8)
    expected = 2**16 * int(multiply(spec, -128, -128))
    assert ops.matmul(x, x.t(), spec).item() == expected
    with pytest.raises(ValueError, match="at most 65536 products in int32, not 65537"):
        ops.matmul(torch.zeros(1, 65537, dtype=torch.int8), torch.zeros(65537, 1).char(), spec)


@pytest.mark.usefixtures("each_isa")
def test_int64_sums_have_no_such_limit():
    x = torch.full((1, 70_000), 255, dtype=torch.uint8)
    assert ops.matmul(x, x.t(), MBM(8)).item() == 70_000 * 65024
    wide = torch.full((1, 70_000), 65535, dtype=torch.int32)
    assert ops.matmul(wide, wide.t(), Exact(16)).item() == 70_000 * 65535**2


@pytest.mark.parametrize("spec", [MBM(8, signed=True), ODD_TABLE], ids=["mbm8s", "table"])
def test_no_terms_and_no_outputs(spec):
    empty = torch.zeros(3, 0, dtype=torch.int8)
    assert torch.equal(ops.matmul(empty, empty.t(), spec), torch.zeros(3, 3, dtype=torch.int32))
    x, w = torch.zeros(2, 0, 4, 4).char(), torch.zeros(5, 0, 3, 3).char()
    assert torch.equal(ops.conv2d(x, w, spec), torch.zeros(2, 5, 2, 2, dtype=torch.int32))
    assert ops.conv2d(
        torch.zeros(0, 3, 4, 4).char(), torch.zeros(5, 3, 1, 1).char(), spec
    ).shape == (0, 5, 4, 4)


@pytest.mark.usefixtures("each_isa")
@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("quantizer", [Symmetric(), Fixed(scale=30, limit=120)], ids=repr)
def test_codes_are_the_quantizers(quantizer, width):
    spec = MBM(width, signed=True)
    random = torch.Generator().manual_seed(0)
    x = torch.randn(40, 3, 7, 70, generator=random) * 60
    x[1, 0, 0] = torch.arange(70) / 2 - 17  # halves, where the scale is 1
    x[0, 0, 0, :3] = torch.tensor([torch.nan, torch.inf, -torch.inf])
    scales = torch.rand(40, 1, 1, 1, generator=random) + 0.01
    scales[1] = 1
    qmax, dtype = quantizer.qmax(spec), ops.code_dtype(spec)
    for scale in (scales, scales[2], scales[2, 0, 0, 0]):
        if isinstance(quantizer, Fixed) and scale.ndim:
            continue
        for layout in LAYOUTS.values():
            expected = quantizer.codes(layout(x), scale, spec, dtype)
            actual = quantize(layout(x), *quantizer.unit(scale), qmax, dtype)
            assert torch.equal(actual, expected)


@pytest.mark.usefixtures("each_isa")
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_sums_are_rescaled_in_the_documented_order(dtype):
    random = torch.Generator().manual_seed(0)
    info, scale = torch.iinfo(dtype), torch.rand(9, generator=random)
    for shape in ((5, 9), (3, 9, 7, 60), (2, 9, 0)):
        sums = torch.randint(info.min, info.max, shape, generator=random, dtype=dtype)
        for bias in (torch.randn(9, generator=random) * 2**20, None):
            ends = [1] * (len(shape) - 2)
            b = None if bias is None else bias.view(-1, *ends)
            expected = plain_rescale(sums, torch.ones(()), scale.view(-1, *ends), b)
            assert torch.equal(rescale(sums, scale, bias), expected)


@pytest.mark.usefixtures("each_isa")
def test_padding_is_a_real_zero_code():
    ones = Table(np.ones((16, 16), dtype=int), signed=True)
    x, w = torch.zeros(1, 1, 1, 1).char(), torch.zeros(1, 1, 3, 3).char()
    assert ops.conv2d(x, w, ones, padding=1).item() == 9


@pytest.mark.parametrize(
    "spec",
    [MBM(8, signed=True), MBM(8), MBM(16, signed=True), Exact(16), SIGN_MAGNITUDE, ODD_TABLE],
    ids=lambda spec: spec.identifier,
)
def test_opcheck(spec):
    values = spec_values(spec)
    x, w = random_codes(spec, (2, 4, 6, 5)), random_codes(spec, (6, 2, 3, 2))
    conv2d = torch.ops.mbm_hw.conv2d.default
    torch.library.opcheck(conv2d, (x, w, *values, [2, 1], [1, 0], [1, 2], 2))
    matmul = torch.ops.mbm_hw.matmul.default
    torch.library.opcheck(matmul, (x.reshape(8, 30), x.reshape(8, 30).t(), *values))


@each_spec
def test_fakes_give_shape_and_dtype(spec):
    dtype = ops.code_dtype(spec)
    with FakeTensorMode():
        x, w = torch.empty(2, 6, 9, 8, dtype=dtype), torch.empty(4, 3, 3, 1, dtype=dtype)
        y = ops.conv2d(x, w, spec, (2, 1), (1, 2), (2, 1), 2)
        assert (y.shape, y.dtype) == ((2, 4, 4, 12), ops.sum_dtype(spec))
        z = ops.matmul(x.reshape(12, 72), x.reshape(72, 12), spec)
        assert (z.shape, z.dtype) == ((12, 12), ops.sum_dtype(spec))


def test_meta_tensors_give_shapes():
    x = torch.empty(2, 6, 9, 8, dtype=torch.int8, device="meta")
    assert ops.conv2d(x, x[:4, :, :3, :3], MBM(8, signed=True)).shape == (2, 2, 7, 6)


def test_operators_compile_with_dynamic_shapes():
    @torch.compile(backend="aot_eager", dynamic=True)
    def compiled(x, w, spec):
        return ops.conv2d(x, w, spec, padding=1) + ops.matmul(x[0, 0], x[0, 0].t(), spec).sum()

    for size in (5, 6, 9):
        for spec in (MBM(8, signed=True), ODD_TABLE, Exact(8, signed=True)):
            x, w = random_codes(spec, (2, 3, size, size)), random_codes(spec, (4, 3, 3, 3))
            expected = (
                ops.conv2d(x, w, spec, padding=1) + ops.matmul(x[0, 0], x[0, 0].t(), spec).sum()
            )
            assert torch.equal(compiled(x, w, spec), expected)


CODES = torch.zeros(2, 4, 5, 5, dtype=torch.int8)
MBM8S = MBM(8, signed=True)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((CODES, CODES, "mbm8s"), TypeError, "spec must be an integer multiplier spec"),
        ((CODES, CODES, MBM(17)), ValueError, "4 to 16 bits, not MBM"),
        ((CODES.float(), CODES, MBM8S), TypeError, "torch.int8 codes for a signed 8-bit mbm spec"),
        ((CODES, CODES.byte(), MBM8S), TypeError, "not torch.int8 and torch.uint8"),
        ((CODES, CODES.numpy(), MBM8S), TypeError, "w_codes must be a tensor, not ndarray"),
        ((CODES[0], CODES, MBM8S), ValueError, r"\[N, C, H, W\] .* not \[4, 5, 5\] and \[2, 4"),
        ((CODES, CODES[:, :3], MBM8S), ValueError, "O divisible by groups, .* groups=1"),
        ((CODES, CODES[:1, :2], MBM8S, 1, 0, 1, 2), ValueError, "groups=2"),
        ((CODES, CODES, MBM8S, 1, 0, 1, 0), ValueError, "groups=0"),
        ((CODES, CODES, MBM8S, 0), ValueError, r"stride must be .* at least 1, not \[0, 0\]"),
        ((CODES, CODES, MBM8S, (1, 2, 3)), ValueError, "stride must be an integer or two"),
        ((CODES, CODES, MBM8S, 1, -1), ValueError, r"padding must be .* at least 0, not \[-1"),
        ((CODES, CODES, MBM8S, 1, "same"), ValueError, "padding must be an integer or two"),
        ((CODES, CODES, MBM8S, 1, 0, 2), ValueError, "not 9 for 5"),
        ((CODES + 8, CODES, MBM(4, signed=True)), ValueError, "x must be -8 to 7 .*, not 8"),
        ((CODES, CODES - 9, MBM(4, signed=True)), ValueError, "w must be -8 to 7 .*, not -9"),
        ((CODES.short() - 256, CODES.short(), SIGN_MAGNITUDE), ValueError, "-255 to 255 .* -256"),
        ((CODES.int(), CODES.int() + 65536, Exact(16)), ValueError, "0 to 65535 .*, not 65536"),
        ((CODES.int() - 1, CODES.int(), MBM(16)), ValueError, "0 to 65535 .*, not -1"),
    ],
)
def test_conv2d_says_what_is_wrong(arguments, error, text):
    with pytest.raises(error, match=text):
        ops.conv2d(*arguments)


@pytest.mark.parametrize(
    ("x", "w", "error", "text"),
    [
        (CODES[0, 0], CODES[0, 0, :4], ValueError, r"not \[5, 5\] and \[4, 5\]"),
        (CODES[0], CODES[0, 0], ValueError, r"\[M, K\] and w \[K, N\], not"),
        (CODES[0, 0], CODES[0, 0].long(), TypeError, "not torch.int8 and torch.int64"),
    ],
)
def test_matmul_says_what_is_wrong(x, w, error, text):
    with pytest.raises(error, match=text):
        ops.matmul(x, w, MBM8S)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("mbn", 8, 0, True, None), "knows the families exact, mitchell, mbm"),
        (("mbm", 8, 0, True, torch.zeros(256, 256).int()), "goes with a table family"),
        (("table", 8, 0, True, None), "goes with a table family"),
        (("table", 8, 0, True, torch.zeros(256, 256)), r"must be int32 \[256, 256\]"),
        (("table", 8, 0, True, torch.zeros(16, 16).int()), r"must be int32 \[256, 256\]"),
        (("exact", 3, 0, True, None), "4 to 16 bits, not 3"),
    ],
)
def test_the_schemas_own_values_are_checked(values, text):
    with pytest.raises(ValueError, match=text):
        torch.ops.mbm_hw.matmul(CODES[0, 0], CODES[0, 0], *values)


def test_the_kernel_has_a_name():
    with forced("portable"):
        assert ops.kernel_name(MBM8S) == "portable, table in memory"
        assert ops.kernel_name(MBM(16)) == "portable, logarithms step by step"
        assert ops.kernel_name(Exact(8)) == "portable, integer products"


@pytest.mark.usefixtures("each_isa")
@each_spec
@pytest.mark.parametrize("codes", ["all", "symmetric", "not negative", "small", "extreme"])
def test_each_kind_of_activations(spec, codes):
    """Kernels have ways of their own for them; depthwise, and dense with many outputs."""
    x, w = random_codes(spec, (1, 5, 19, 61), 1), random_codes(spec, (5, 1, 3, 2), 2)
    dense = random_codes(spec, (9, 5, 3, 2), 3)
    if codes == "symmetric":
        x = x.clamp_min(max(spec.operand_min, -spec.operand_max))
    if codes == "not negative":
        x = x.clamp_min(0)
    if codes == "small":
        x, w, dense = (tensor % 70 for tensor in (x, w, dense))
        x, w, dense = (tensor.clamp_max(spec.operand_max) for tensor in (x, w, dense))
    if codes == "extreme":
        x, w, dense = (random_codes(spec, t.shape, 4, True) for t in (x, w, dense))
    for weights, groups in ((w, 5), (dense, 1)):
        actual = ops.conv2d(x, weights, spec, padding=(1, 2), groups=groups)
        patches = torch.nn.functional.unfold(x.double(), (3, 2), padding=(1, 2)).long()[0].numpy()
        for o in (0, 2, 4):
            met = patches if groups == 1 else patches[6 * o : 6 * o + 6]
            products = multiply(spec, met, weights[o].flatten().numpy()[:, None])
            check(spec, actual[0, o].flatten(), products.sum(0, dtype=np.int64))


MOST_TERMS = 2**16


@pytest.mark.usefixtures("each_isa")
@each_spec
def test_the_worst_codes_at_the_most_terms(spec):
    low, high = spec.operand_min, spec.operand_max
    for a, b in ((high, high), (low, low), (low, high)):
        x = torch.full((1, MOST_TERMS), a).to(ops.code_dtype(spec))
        w = torch.full((MOST_TERMS, 2), b).to(ops.code_dtype(spec))
        assert ops.matmul(x, w, spec).tolist() == [[MOST_TERMS * int(multiply(spec, a, b))] * 2]


FAMILIES = st.one_of(
    st.builds(Exact, width=st.integers(4, 16), signed=st.booleans()),
    *[
        st.integers(4, 16).flatmap(
            lambda width, family=family: st.builds(
                family,
                width=st.just(width),
                truncation=st.integers(0, width - 3),
                signed=st.booleans(),
            )
        )
        for family in (Mitchell, MBM)
    ],
)


@settings(max_examples=400, deadline=None)
@given(
    spec=FAMILIES,
    terms=st.integers(1, 300),
    isa=st.sampled_from(ISAS),
    scale=st.sampled_from([1.0, 0.1, 0.004]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_spec(spec, terms, isa, scale, seed):
    """All families, widths and truncations, with codes of all sizes."""
    x, w = random_codes(spec, (70, terms), seed), random_codes(spec, (terms, 7), seed + 1)
    x, w = ((tensor * scale).to(tensor.dtype) for tensor in (x, w))
    with forced(isa):
        actual = ops.matmul(x, w, spec)
    check(spec, actual, naive_matmul(x, w, spec))


def test_an_unknown_instruction_set_is_named():
    with forced("mmx"), pytest.raises(ValueError, match="MBM_HW_ISA: there are no kernels 'mmx'"):
        ops.matmul(CODES[0, 0], CODES[0, 0], MBM8S)


def in_a_fresh_interpreter(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_importing_the_operators_loads_no_kernel_and_no_hardware():
    program = "import sys, mbm_hw; print('torch' in sys.modules); import mbm_hw.ops, mbm_hw.nn; "
    program += "print({'amaranth', 'mbm_hw.hdl', 'mbm_hw.ops._cpu'} & set(sys.modules))"
    assert in_a_fresh_interpreter(program).stdout.split() == ["False", "set()"]


def test_a_missing_extension_is_one_clear_line():
    program = "import sys, torch; sys.modules['mbm_hw.ops._cpu'] = None; "
    program += "from mbm_hw import MBM, ops; x = torch.zeros(2, 2).byte(); ops.matmul(x, x, MBM(8))"
    last = in_a_fresh_interpreter(program).stderr.splitlines()[-1]
    assert last.startswith("ImportError: the compiled kernels mbm_hw.ops._cpu are missing: run")
