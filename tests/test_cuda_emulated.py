"""The CUDA kernels against the CPU's, emulated; test_ops and others run them on a device."""

import pytest
import torch
from codes import ODD_TABLE, SIGN_MAGNITUDE, random_codes
from convolutions import LAYOUTS, convolutions
from emulated_convolutions import (
    FLOATS,
    MORE_FLOATS,
    check_conv2d,
    layer_values,
    name_of,
    random_operand,
)
from emulated_cuda import emulated_device
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from mbm_hw import MBM, Exact, Mitchell, Table, ops, product_table
from mbm_hw.ops.carry_nan import carry_nan
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda import operators, tiles
from mbm_hw.ops.cuda.convolution import run_conv2d
from mbm_hw.ops.cuda.products import integer_products
from mbm_hw.ops.float_values import float_spec_values
from mbm_hw.ops.scaling import quantize, rescale

# A spec for each kernel, and for what its sums differ in.
INTEGER_SPECS = (
    Exact(8, signed=True),
    Exact(16),
    Mitchell(8, signed=True),
    Mitchell(8),
    MBM(8, signed=True),
    MBM(8),
    MBM(9, truncation=6, signed=True),  # its correction is cut to 0, its corner is there
    MBM(10, truncation=3, signed=True),  # its correction with a carry is not half of that without
    MBM(12, truncation=2),
    MBM(12, signed=True),
    MBM(16, truncation=6, signed=True),
    MBM(16, truncation=8, signed=True),
    Mitchell(13, truncation=3, signed=True),
    MBM(16),
    MBM(4, signed=True),
    ODD_TABLE,
    SIGN_MAGNITUDE,
    Table(product_table(MBM(8))),
)


@pytest.mark.parametrize("spec", INTEGER_SPECS + FLOATS, ids=name_of)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_kernels_give_the_cpus_bits(spec, order):
    """Blocks at the rims of positions, outputs and terms, strides, padding, dilation, groups."""
    x, w = random_operand(spec, (2, 6, 9, 8), 1), random_operand(spec, (34, 3, 3, 2), 2)
    check_conv2d(spec, x, w, ((2, 1), (1, 2), (1, 2), 2), order)


@pytest.mark.parametrize("spec", FLOATS + MORE_FLOATS, ids=name_of)
def test_float_panels_of_layers_give_the_cpus_bits(spec):
    """Numbers that go the short way; a panel with an infinity, which does not, among them."""
    x, w = layer_values(spec, (1, 12, 9, 8), 1), layer_values(spec, (20, 12, 3, 3), 2)
    x[0, 6, 4, 4] = float("inf")
    check_conv2d(spec, x, w, ((1, 1), (1, 1), (1, 1), 1))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    spec=st.sampled_from(INTEGER_SPECS + FLOATS),
    convolution=convolutions(),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    seed=st.integers(0, 2**31),
)
def test_any_geometry_and_layout(spec, convolution, layouts, seed):
    x_shape, w_shape, parameters = convolution
    x, w = (
        LAYOUTS[layout](random_operand(spec, shape, seed + i))
        for i, (layout, shape) in enumerate(zip(layouts, (x_shape, w_shape), strict=True))
    )
    check_conv2d(spec, x, w, parameters, order=seed)


@pytest.mark.parametrize("spec", [Mitchell(8, signed=True), ODD_TABLE], ids=name_of)
@pytest.mark.parametrize(
    ("x_shape", "w_shape", "groups"),
    [
        ((3, 40, 9, 11), (140, 40, 1, 1), 1),  # large tiles, the last of each kind in part
        ((1, 40, 9, 8), (20, 40, 3, 3), 1),  # medium ones
        ((1, 6, 19, 17), (6, 1, 3, 3), 6),  # depthwise
        ((1, 8, 12, 12), (16, 2, 3, 3), 4),  # flat
    ],
    ids=["large", "medium", "row", "flat"],
)
def test_each_tile(spec, x_shape, w_shape, groups):
    x, w = random_codes(spec, x_shape), random_codes(spec, w_shape, 1)
    check_conv2d(spec, x, w, ((1, 1), (1, 0), (1, 1), groups))


@pytest.mark.parametrize(
    ("spec", "terms"),
    [
        (Mitchell(8, signed=True), 2100),
        (Mitchell(8), 600),
        (SIGN_MAGNITUDE, 8200),
        (Table(product_table(MBM(8))), 2**16),
    ],
    ids=str,
)
def test_sums_that_a_float_or_32_bits_cannot_hold_are_exact(spec, terms):
    x = torch.full((2, terms), spec.operand_max, dtype=ops.code_dtype(spec))
    w = torch.full((terms, 1), spec.operand_min or spec.operand_max, dtype=ops.code_dtype(spec))
    x[1, -1] = 1
    with emulated_device():
        actual = operators.matmul(x, w, *spec_values(spec))
    assert torch.equal(actual, ops.matmul(x, w, spec))


@pytest.mark.parametrize("spec", [ODD_TABLE, Exact(8), MBM(16, signed=True)], ids=name_of)
@pytest.mark.parametrize("shape", [(1, 30, 50), (50, 30, 1), (7, 0, 5), (0, 3, 4), (20, 33, 20)])
def test_matmul_gives_the_cpus_bits(spec, shape):
    """Either side the longer one; a table's operands keep their places."""
    m, k, n = shape
    x, w = random_codes(spec, (m, k)), random_codes(spec, (n, k), 1).t()
    with emulated_device():
        actual = operators.matmul(x, w, *spec_values(spec))
    assert torch.equal(actual, ops.matmul(x, w, spec))


def test_float_matmul_gives_the_cpus_bits():
    spec = FLOATS[0]
    x, w = random_operand(spec, (5, 40), 3), random_operand(spec, (40, 30), 4)
    with emulated_device():
        actual = operators.float_matmul(x, w, *float_spec_values(spec))
    expected = ops.float_matmul(x, w, spec)
    assert torch.equal(actual.view(torch.int32), expected.view(torch.int32))


def test_a_table_too_large_for_shared_memory_is_read_where_it_lies():
    x, w = random_codes(ODD_TABLE, (1, 9, 8, 8)), random_codes(ODD_TABLE, (33, 9, 3, 3), 1)
    parameters = ((1, 1), (1, 1), (1, 1), 1)
    with emulated_device(shared_limit=99 << 10):
        actual = operators.conv2d(x, w, *spec_values(ODD_TABLE), *parameters)
    assert torch.equal(actual, ops.conv2d(x, w, ODD_TABLE, *parameters))
    for spec in (Table(product_table(Mitchell(10, signed=True)), signed=True), Exact(12)):
        x, w = random_codes(spec, (1, 9, 8, 8)), random_codes(spec, (33, 9, 3, 3), 1)
        check_conv2d(spec, x, w, parameters)


SPECIAL = [0.0, -0.0, 1e-40, 0.5, 1.5, 2.5, -0.5, -1.5, 1e30, -1e30, *map(float, ("inf", "nan"))]


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16])
@pytest.mark.parametrize("multiply", [False, True])
def test_quantize_gives_the_cpus_codes(dtype, multiply):
    random = torch.Generator().manual_seed(1)
    limit = torch.iinfo(dtype).max
    x = torch.randn(5, 300, generator=random) * 40
    x[0, : len(SPECIAL)] = torch.tensor(SPECIAL)
    for scale in (torch.tensor(0.37), torch.rand(5, 1, generator=random) + 0.1, torch.tensor(1.0)):
        for layout in (x, x.t() if scale.numel() == 1 else x[:, ::2]):
            with emulated_device():
                actual = operators.quantize(layout, scale, multiply, limit, dtype)
            expected = quantize(layout, scale, multiply, limit, dtype)
            assert torch.equal(actual, expected)
            assert actual.stride() == expected.stride()


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (4, 300), (3, 4, 1, 1), (0, 3, 2, 2)])
def test_rescale_gives_the_cpus_floats(dtype, shape):
    random = torch.Generator().manual_seed(1)
    sums = torch.randint(-(2**31), 2**31 - 1, shape, generator=random, dtype=dtype)
    scale, bias = (torch.randn(shape[1], generator=random) for _ in range(2))
    for chosen in (bias, None):
        with emulated_device():
            actual = operators.rescale(sums, scale, chosen)
        assert torch.equal(actual, rescale(sums, scale, chosen))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    convolution=convolutions(),
    layout=st.sampled_from(sorted(LAYOUTS)),
    count=st.integers(0, 2),
    seed=st.integers(0, 2**31),
)
def test_nan_reaches_the_cpus_outputs(convolution, layout, count, seed):
    x_shape, w_shape, parameters = convolution
    random = torch.Generator().manual_seed(seed)
    x, w = torch.randn(x_shape, generator=random), torch.empty(w_shape)
    if x.numel():
        x.view(-1)[torch.randint(x.numel(), (count,), generator=random)] = torch.nan
    x = LAYOUTS[layout](x)
    expected = functional.conv2d(x, torch.ones_like(w), None, *parameters)
    expected = torch.where(expected.isnan(), torch.nan, 1.0)
    actual, transposed = torch.ones_like(expected), torch.ones_like(expected.mT).mT
    on_cpu = torch.ones_like(expected)
    with emulated_device(seed):
        operators.carry_nan(actual, x, w, *parameters)
        operators.carry_nan(transposed, x, w, *parameters)
    carry_nan(on_cpu, x, w, *parameters)
    for y in (actual, transposed, on_cpu):
        torch.testing.assert_close(y, expected, rtol=0, atol=0, equal_nan=True)


def test_tiles_fit_each_device():
    for tile in tiles.TILES:
        assert tile.threads % 32 == 0
        assert tile.threads <= 1024
        assert tile.panel_bytes(4, 4) <= 48 << 10
        assert tile.panel_bytes(8, 16) <= 99 << 10  # of a block from sm_86 on


PLAIN = (1, 1), (0, 0), (1, 1), 1


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "parameters", "message"),
    [
        ((2**31, 1, 1, 1), (1, 1, 1, 1), PLAIN, "2147482624 positions, not 2147483648"),
        ((1, 2**31, 1, 1), (1, 2**31, 1, 1), PLAIN, "2147482624 terms, not 2147483648"),
        ((1, 1, 1, 1), (2**23, 1, 1, 1), PLAIN, "65535 tiles of outputs, not 65536"),
        ((1, 2**16, 1, 1), (2**16, 1, 1, 1), (*PLAIN[:3], 2**16), "65535 groups, not 65536"),
        ((1, 1, 2**30, 1), (1, 1, 1, 1), PLAIN, "536870912 pixels to a padded side"),
    ],
)
def test_numbers_that_a_kernel_cannot_hold_are_refused(x_shape, w_shape, parameters, message):
    x, w = (torch.zeros(1, dtype=torch.int8).expand(shape) for shape in (x_shape, w_shape))
    out = torch.zeros(1, dtype=torch.int32).expand(x_shape[0], w_shape[0], *x_shape[2:])
    products = integer_products(spec_values(Exact(8, signed=True)), 0)
    with emulated_device(), pytest.raises(ValueError, match=f"at most {message}"):
        run_conv2d(x, w, out, products, None, *parameters)
