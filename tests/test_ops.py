"""The operators against sums of the reference's products in Python integers."""

import numpy as np
import pytest
import torch
from codes import ODD_TABLE, SPECS, each_spec, random_codes
from convolutions import LAYOUTS, convolutions, on_threads
from devices import BACKENDS, each_backend, on, run
from hypothesis import given, settings
from hypothesis import strategies as st

from mbm_hw import MBM, Exact, Mitchell, Table, multiply, ops
from mbm_hw.nn.quantize import Fixed, Symmetric
from mbm_hw.nn.quantize import rescale as plain_rescale
from mbm_hw.ops.scaling import quantize, rescale


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


@settings(max_examples=400, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    convolution=convolutions(),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    backend=st.sampled_from(BACKENDS),
    extreme=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_conv2d_equals_the_reference(spec, convolution, layouts, backend, extreme, seed):
    x_shape, w_shape, parameters = convolution
    x, w = (
        random_codes(spec, x_shape, seed, extreme),
        random_codes(spec, w_shape, seed + 1, extreme),
    )
    with on(backend) as device:
        x, w = LAYOUTS[layouts[0]](x.to(device)), LAYOUTS[layouts[1]](w.to(device))
        actual = ops.conv2d(x, w, spec, *parameters).cpu()
    check(spec, actual, naive_conv2d(x.cpu(), w.cpu(), spec, *parameters))


@settings(max_examples=100, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    shape=st.tuples(*[st.integers(0, 9)] * 3),
    transposed=st.tuples(st.booleans(), st.booleans()),
    backend=st.sampled_from(BACKENDS),
    extreme=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_matmul_equals_the_reference(spec, shape, transposed, backend, extreme, seed):
    m, k, n = shape
    x = random_codes(spec, (k, m) if transposed[0] else (m, k), seed, extreme)
    w = random_codes(spec, (n, k) if transposed[1] else (k, n), seed + 1, extreme)
    x, w = (tensor.t() if t else tensor for tensor, t in zip((x, w), transposed, strict=True))
    with on(backend) as device:
        actual = run(ops.matmul, device, x, w, spec)
    check(spec, actual, naive_matmul(x, w, spec))


@each_backend
@each_spec
def test_every_product_of_two_codes_is_the_references(spec, device):
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
    for rows, columns in ((None, None), (None, 100), (100, None)):
        actual = run(ops.matmul, device, tensor[:rows, None], tensor[None, :columns], spec)
        check(spec, actual, expected[:rows, :columns])


@each_backend
@each_spec
def test_many_products_of_small_operands(spec, device):
    """3 x 3 is where MBM's correction is furthest from the plain one; as many as a tile's terms."""
    three = torch.full((1, 257), 3, dtype=ops.code_dtype(spec))
    actual = run(ops.matmul, device, three, three.t(), spec)
    assert actual.item() == 257 * int(multiply(spec, 3, 3))


@each_backend
@each_spec
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_tiles_and_threads_give_the_same_sums(spec, threads, device):
    """More positions, terms and outputs than a tile holds, none a multiple of its sides."""
    x, w = random_codes(spec, (2, 68, 17, 19), 1), random_codes(spec, (278, 34, 3, 3), 2)
    products = multiply(spec, 0, w[:, :2].numpy().astype(np.int64)).shape
    assert products == (278, 2, 3, 3)
    with on_threads(threads):
        actual = run(ops.conv2d, device, x, w, spec, padding=1, groups=2)
    patches = torch.nn.functional.unfold(x.double(), 3, padding=1).long().numpy()
    chosen = [(0, 0), (1, 138), (0, 139), (1, 277), (1, 200)]
    for image, o in chosen:
        first = 0 if o < 139 else 34 * 9
        met = patches[image, first : first + 34 * 9]
        expected = multiply(spec, met, w[o].flatten().numpy()[:, None]).sum(0, dtype=np.int64)
        check(spec, actual[image, o].flatten(), expected)


@each_backend
def test_wide_images_and_deep_sums_in_matmul(device):
    spec = ODD_TABLE
    x, w = random_codes(spec, (700, 600), 1), random_codes(spec, (600, 3), 2)
    for few, many in ((x, w), (x[:3], w.repeat(1, 90))):
        check(spec, run(ops.matmul, device, few, many, spec), naive_matmul(few, many, spec))


@each_backend
@pytest.mark.parametrize("product", [-(2**15), 2**15 - 1])
def test_the_largest_sum_fits_int32(product, device):
    table = Table(np.full((256, 256), product), signed=True)
    x = torch.zeros(1, 2**16, dtype=torch.int8)
    assert run(ops.matmul, device, x, x.t(), table).item() == product * 2**16
    image = x.reshape(1, 1, 256, 256)
    assert run(ops.conv2d, device, image, image, table).item() == product * 2**16


@each_backend
@pytest.mark.parametrize("spec", [MBM(8, signed=True), Exact(8, signed=True)], ids=repr)
def test_extreme_codes_at_the_most_terms(spec, device):
    x = torch.full((1, 2**16), -128, dtype=torch.int8)
    expected = 2**16 * int(multiply(spec, -128, -128))
    assert run(ops.matmul, device, x, x.t(), spec).item() == expected
    with pytest.raises(ValueError, match="at most 65536 products in int32, not 65537"):
        run(ops.matmul, device, x.new_zeros(1, 65537), x.new_zeros(65537, 1), spec)


@each_backend
def test_int64_sums_have_no_such_limit(device):
    x = torch.full((1, 70_000), 255, dtype=torch.uint8)
    assert run(ops.matmul, device, x, x.t(), MBM(8)).item() == 70_000 * 65024
    wide = torch.full((1, 70_000), 65535, dtype=torch.int32)
    assert run(ops.matmul, device, wide, wide.t(), Exact(16)).item() == 70_000 * 65535**2


@each_backend
@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("quantizer", [Symmetric(), Fixed(scale=30, limit=120)], ids=repr)
def test_codes_are_the_quantizers(quantizer, width, device):
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
            factor = quantizer.factor
            unit = scale if factor is None else torch.tensor(factor)
            on_device = layout(x.to(device)), unit.to(device)
            actual = quantize(*on_device, factor is not None, qmax, dtype)
            assert torch.equal(actual.cpu(), expected)


@each_backend
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_sums_are_rescaled_in_the_documented_order(dtype, device):
    random = torch.Generator().manual_seed(0)
    info, scale = torch.iinfo(dtype), torch.rand(9, generator=random)
    for shape in ((5, 9), (3, 9, 7, 60), (2, 9, 0)):
        sums = torch.randint(info.min, info.max, shape, generator=random, dtype=dtype)
        for bias in (torch.randn(9, generator=random) * 2**20, None):
            ends = [1] * (len(shape) - 2)
            b = None if bias is None else bias.view(-1, *ends)
            expected = plain_rescale(sums, torch.ones(()), scale.view(-1, *ends), b)
            assert torch.equal(run(rescale, device, sums, scale, bias), expected)


@each_backend
def test_padding_is_a_real_zero_code(device):
    ones = Table(np.ones((16, 16), dtype=int), signed=True)
    x, w = torch.zeros(1, 1, 1, 1).char(), torch.zeros(1, 1, 3, 3).char()
    assert run(ops.conv2d, device, x, w, ones, padding=1).item() == 9


@each_backend
@each_spec
@pytest.mark.parametrize("codes", ["all", "symmetric", "not negative", "small", "extreme"])
def test_each_kind_of_activations(spec, codes, device):
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
        actual = run(ops.conv2d, device, x, weights, spec, padding=(1, 2), groups=groups)
        patches = torch.nn.functional.unfold(x.double(), (3, 2), padding=(1, 2)).long()[0].numpy()
        for o in (0, 2, 4):
            met = patches if groups == 1 else patches[6 * o : 6 * o + 6]
            products = multiply(spec, met, weights[o].flatten().numpy()[:, None])
            check(spec, actual[0, o].flatten(), products.sum(0, dtype=np.int64))


MOST_TERMS = 2**16


@each_backend
@each_spec
def test_the_worst_codes_at_the_most_terms(spec, device):
    low, high = spec.operand_min, spec.operand_max
    for a, b in ((high, high), (low, low), (low, high)):
        x = torch.full((1, MOST_TERMS), a).to(ops.code_dtype(spec))
        w = torch.full((MOST_TERMS, 2), b).to(ops.code_dtype(spec))
        expected = MOST_TERMS * int(multiply(spec, a, b))
        assert run(ops.matmul, device, x, w, spec).tolist() == [[expected] * 2]


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
    backend=st.sampled_from(BACKENDS),
    scale=st.sampled_from([1.0, 0.1, 0.004]),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_spec(spec, terms, backend, scale, seed):
    """All families, widths and truncations, with codes of all sizes."""
    x, w = random_codes(spec, (70, terms), seed), random_codes(spec, (terms, 7), seed + 1)
    x, w = ((tensor * scale).to(tensor.dtype) for tensor in (x, w))
    with on(backend) as device:
        actual = run(ops.matmul, device, x, w, spec)
    check(spec, actual, naive_matmul(x, w, spec))
