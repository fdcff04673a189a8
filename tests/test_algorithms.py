"""Winograd, Fourier and Strassen against models of their own, and against the direct sums."""

import dataclasses

import algorithm_models
import numpy as np
import pytest
import torch
from algorithm_cases import (
    CONV3X3,
    INTEGER,
    codes_for,
    denominator,
    each_algorithm,
    layers,
    values_for,
)
from codes import SIGN_MAGNITUDE
from hypothesis import given, settings
from hypothesis import strategies as st

from mbm_hw import CATALOG, MBM, Exact, FloatExact, Mitchell, ops
from mbm_hw.ops.algorithms import ALGORITHMS, Layer, find_algorithm, tiled
from mbm_hw.ops.algorithms.bilinear import Bilinear
from mbm_hw.ops.algorithms.winograd import FILTERS

FP32, MBM16S, MBM12S = FloatExact(8, 23), MBM(16, signed=True), MBM(12, signed=True)


# The algorithms themselves


@pytest.mark.parametrize("outputs", FILTERS)
def test_minimal_filtering_is_a_filter_for_all_operands(outputs):
    """Brent's equations: the coefficient of x[j] w[k] in y[i] is 1 where j = i + k, else 0."""
    f = FILTERS[outputs]
    tensor = torch.einsum("ip,pj,pk->ijk", f.output, f.input, f.weight) / f.denominator
    i, j, k = np.indices(tensor.shape)
    assert np.array_equal(tensor.numpy(), j == i + k)
    assert f.rank == outputs + 2


def test_strassens_seven_products_are_a_matrix_product_for_all_operands():
    s = find_algorithm("strassen").bilinear(CONV3X3)
    tensor = torch.einsum("ip,pj,pk->ijk", s.output, s.input, s.weight).reshape([2] * 6)
    row, column, a_row, a_column, b_row, b_column = np.indices(tensor.shape)
    met = (row == a_row) & (a_column == b_row) & (column == b_column)
    assert np.array_equal(tensor.numpy(), met)


@pytest.mark.parametrize("kernel", [(3, 3), (1, 2), (5, 1), (4, 7)])
@pytest.mark.parametrize("name", ["fft", "fft_gauss"])
def test_the_fourier_transform_correlates_for_all_operands(name, kernel):
    algorithm = find_algorithm(name)
    f = algorithm.bilinear(CONV3X3._replace(kernel=kernel))
    tensor = torch.einsum("ip,pj,pk->ijk", f.output, f.input, f.weight)
    outputs = algorithm.outputs(kernel)
    size = [m + k - 1 for m, k in zip(outputs, kernel, strict=True)]
    tensor = tensor.reshape(*outputs, *size, *kernel).numpy()
    i, i2, j, j2, k, k2 = np.indices(tensor.shape)
    assert np.abs(tensor - ((j == i + k) & (j2 == i2 + k2))).max() < 1e-12


def test_ranks_and_gains_are_those_of_the_papers():
    """16 and 36 products for 4 and 16 outputs; a 2-D transform's gain is the 1-D one's squared."""
    found = {name: find_algorithm(name).bilinear(CONV3X3) for name in INTEGER}
    assert {name: b.rank for name, b in found.items()} == {
        "winograd": 16,
        "winograd_4x4": 36,
        "strassen": 7,
    }
    assert {name: (b.gains[:2], b.denominator) for name, b in found.items()} == {
        "winograd": ((2**2, 3**2), 2**2),
        "winograd_4x4": ((10**2, 7**2), 24**2),
        "strassen": ((2, 2), 1),
    }


# With exact products


@settings(max_examples=60, deadline=None)
@given(layers(INTEGER), st.sampled_from([10, 12, 16]), st.integers(0, 2**32 - 1))
def test_exact_products_of_codes_give_the_direct_sums(layer, width, seed):
    name, x_shape, w_shape, geometry = layer
    spec = Exact(width, signed=True)
    x, w = codes_for(name, spec, x_shape, w_shape, geometry, seed)
    sums = ops.conv2d(x, w, spec, *geometry, algorithm=name)
    expected = ops.conv2d(x, w, spec, *geometry).long() * denominator(name)
    assert sums.dtype == torch.int64
    assert torch.equal(sums, expected)


def absolute(name, layer):
    """Return the algorithm with the absolute values of all its coefficients."""
    b = find_algorithm(name).bilinear(layer)
    b = Bilinear(b.input.abs(), b.weight.abs(), b.output.abs())
    return dataclasses.replace(find_algorithm(name), transforms=lambda kernel: b)


@settings(max_examples=60, deadline=None)
@given(layers(list(ALGORITHMS)), st.integers(0, 2**32 - 1))
def test_exact_float32_products_give_the_direct_sums_within_the_bound(layer, seed):
    """Each of the absolute terms is rounded as an operand twice, as a product, in its sum of at
    most K, and as output: (K + 4) u of them all; the direct ones K u of theirs, which are fewer."""
    name, x_shape, w_shape, geometry = layer
    stride, padding, dilation, groups = geometry
    x, w = values_for(FP32, x_shape, w_shape, seed)
    actual = ops.float_conv2d(x, w, FP32, *geometry, algorithm=name)
    direct = ops.float_conv2d(x, w, FP32, *geometry)
    layer = Layer.of(w_shape, stride, dilation, groups)
    padded = torch.nn.functional.pad(x.abs(), (padding[1], padding[1], padding[0], padding[0]))

    def products(x, w, stride, dilation, groups):
        return torch.nn.functional.conv2d(x, w, None, stride, 0, dilation, groups)

    terms = absolute(name, layer).sums(padded, w.abs(), layer, products) / denominator(name, layer)
    rounding = 2**-24 * (2 * w[0].numel() + 5)
    assert ((actual.double() - direct.double()).abs() <= rounding * terms).all()


# With approximate products

GEOMETRIES = {
    "padded": ((2, 3, 5, 6), (4, 3, 3, 3), ((1, 1), (1, 1), (1, 1), 1)),
    "groups": ((1, 4, 6, 4), (6, 2, 3, 3), ((1, 1), (2, 0), (1, 1), 2)),
    "odd": ((1, 3, 5, 5), (3, 3, 3, 3), ((1, 1), (0, 1), (1, 1), 1)),
}
STRIDED = ((2, 5, 9, 7), (6, 5, 2, 3), ((2, 1), (1, 0), (1, 2), 1))
LONG = ((1, 2, 9, 4), (2, 2, 5, 1), ((1, 1), (1, 0), (1, 1), 1))
CASES = [(name, shape) for name in ALGORITHMS for shape in GEOMETRIES.values()]
CASES += [("strassen", STRIDED), ("fft", LONG), ("fft_gauss", LONG)]


@pytest.mark.parametrize(
    "spec",
    [MBM16S, MBM12S, Mitchell(14, truncation=2, signed=True), SIGN_MAGNITUDE],
    ids=lambda spec: spec.identifier,
)
@pytest.mark.parametrize(("name", "shape"), [case for case in CASES if case[0] in INTEGER])
def test_approximate_sums_of_codes_are_the_models(name, shape, spec):
    x, w = codes_for(name, spec, *shape)
    actual = ops.conv2d(x, w, spec, *shape[2], algorithm=name)
    expected, _ = algorithm_models.conv2d(name, spec, x.numpy(), w.numpy(), *shape[2])
    assert (actual.numpy() == expected * denominator(name)).all()


@pytest.mark.parametrize(
    "spec",
    [CATALOG["mbm_bf16"], CATALOG["mbm_fp32"], FloatExact(8, 7)],
    ids=lambda spec: spec.identifier,
)
@pytest.mark.parametrize(("name", "shape"), CASES)
def test_approximate_sums_of_values_are_the_models(name, shape, spec):
    x, w = values_for(spec, *shape[:2])
    actual = ops.float_conv2d(x, w, spec, *shape[2], algorithm=name).numpy()
    expected, _ = algorithm_models.conv2d(name, spec, x.numpy(), w.numpy(), *shape[2])
    expected = expected.astype(np.float64).astype(np.float32)
    if name.startswith("fft"):  # numpy's transform is rounded otherwise, in its last place
        assert np.abs(actual - expected).max() <= 1e-6 * np.abs(expected).max()
    else:
        assert np.array_equal(actual, expected)


def test_approximate_sums_are_not_the_direct_ones():
    """Else nothing above would tell an algorithm from the direct one."""
    x, w = values_for(CATALOG["mbm_bf16"], *GEOMETRIES["padded"][:2])
    found = [
        ops.float_conv2d(x, w, CATALOG["mbm_bf16"], algorithm=name)
        for name in ("direct", *ALGORITHMS)
    ]
    assert all(not torch.equal(a, b) for i, a in enumerate(found) for b in found[:i])


@pytest.mark.parametrize("spec", [MBM12S, CATALOG["mbm_bf16"]], ids=lambda spec: spec.identifier)
def test_matrix_products_by_strassen_are_the_models(spec):
    is_float = spec is not MBM12S
    shape = (7, 5, 3)
    if is_float:
        a, b = values_for(spec, shape[:2], shape[1:])
    else:
        a, b = (
            torch.arange(-9, -9 + m * k).reshape(m, k).short() * 21 for m, k in ((7, 5), (5, 3))
        )
    actual = (ops.float_matmul if is_float else ops.matmul)(a, b, spec, algorithm="strassen")
    padded = np.pad(a.numpy(), ((0, 1), (0, 1))), np.pad(b.numpy(), ((0, 1), (0, 1)))
    multiplier = algorithm_models.Multiplier(spec)
    expected = algorithm_models.strassen_matmul(multiplier, *padded)[:7, :3]
    assert np.array_equal(actual.numpy(), expected.astype(actual.numpy().dtype))


# Counts and blocks


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_multiplications_are_those_that_are_made(name, shape):
    x_shape, w_shape, (stride, padding, dilation, groups) = shape
    algorithm, layer = find_algorithm(name), Layer.of(w_shape, stride, dilation, groups)
    x, w = values_for(FP32, x_shape, w_shape)
    made = []

    def products(x, w, stride, dilation, groups):
        y = torch.nn.functional.conv2d(x, w, None, stride, 0, dilation, groups)
        made.append(y.numel() * w[0].numel())
        return y

    padded = torch.nn.functional.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    y = algorithm.sums(padded, w, layer, products)
    _, counted = algorithm_models.conv2d(name, FP32, x.numpy(), w.numpy(), *shape[2])
    assert x_shape[0] * algorithm.multiplications(layer, *y.shape[2:]) == sum(made) == counted


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "strassen"])
def test_blocks_of_tiles_change_nothing(name, monkeypatch):
    spec = CATALOG["mbm_bf16"]
    x, w = values_for(spec, (2, 3, 23, 19), (4, 3, 3, 3))
    whole = ops.float_conv2d(x, w, spec, padding=1, algorithm=name)
    monkeypatch.setattr(tiled, "BLOCK_BYTES", 1)
    assert torch.equal(ops.float_conv2d(x, w, spec, padding=1, algorithm=name), whole)


@each_algorithm
def test_an_image_does_not_depend_on_the_batch(name):
    spec = CATALOG["mbm_bf16"]
    x, w = values_for(spec, (3, 4, 7, 5), (4, 4, 3, 3))
    together = ops.float_conv2d(x, w, spec, padding=1, algorithm=name)
    alone = [ops.float_conv2d(image[None], w, spec, padding=1, algorithm=name) for image in x]
    assert torch.equal(together, torch.cat(alone))
