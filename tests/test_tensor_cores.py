"""Products on tensor cores: the kernel on emulated mma's, its factors, and the choice of it."""

import re
import shutil

import emulated_cuda
import numpy as np
import pytest
import torch
from codes import random_codes
from emulated_cuda import emulated_device
from test_ops import check, naive_conv2d, naive_matmul

from bench.sass import disassembled, loaded_words
from mbm_hw import MBM, Exact, Mitchell, Table, ops, product_table
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda import operators, tensor_cores
from mbm_hw.ops.cuda.compiler import SOURCES, Variant, compile_, compiled
from mbm_hw.ops.cuda.multiprocessor import (
    MMA_DEPTH,
    TENSOR_TILES,
    mma_clocks,
    mma_loads,
    multiprocessor,
    tensor_rate,
)
from mbm_hw.ops.cuda.tensor_cores import block_widths, fastest_products, tensor_products

A100, H200 = multiprocessor((8, 0), 163 << 10), multiprocessor((9, 0), 227 << 10)
PLAIN = ((1, 1), (0, 0), (1, 1), 1)
LARGE, MEDIUM, FLAT = TENSOR_TILES
MBM_T2, MBM_T3 = MBM(8, 2, signed=True), MBM(8, 3, signed=True)


def on_tensor_cores(x, w, spec, parameters=None, **device):
    """Return the sums of conv2d, or without `parameters` of matmul, on tensor cores."""
    arguments = (*spec_values(spec), *(() if parameters is None else parameters))
    kernel = operators.matmul if parameters is None else operators.conv2d
    device = {"shared_limit": 227 << 10, "capability": (9, 0), "multiprocessors": 99} | device
    with emulated_device(**device):
        return kernel(x, w, *arguments)


@pytest.fixture
def ran(monkeypatch):
    """What was launched: the variants."""
    variants = []
    launch = emulated_cuda._launch

    def recorded(order, variant, *arguments, **named):
        variants.append(dict(variant.macros) | {"source": variant.source})
        launch(order, variant, *arguments, **named)

    monkeypatch.setattr(emulated_cuda, "_launch", recorded)
    return variants


CASES = {
    # blocks 16, 8, 4; large tiles, the last of each kind in part
    "large": (MBM_T2, (2, 21, 13, 12), (141, 21, 1, 1), PLAIN, {}),
    # block 32; medium tiles; groups
    "medium": (MBM_T2, (1, 4, 12, 12), (68, 2, 3, 3), ((1, 1), (1, 1), (1, 1), 2), {"a100": True}),
    # blocks 16, 8; everything odd
    "flat": (MBM_T3, (2, 3, 9, 8), (5, 3, 3, 2), ((2, 1), (1, 2), (1, 2), 1), {}),
    # int64 sums, block 32 for repeated terms
    "unsigned": (MBM(8, 3), (1, 6, 5, 5), (17, 6, 3, 3), PLAIN, {}),
    # 6-bit codes, blocks of 16, 4, 4
    "narrow": (MBM(6, 1, signed=True), (1, 3, 7, 6), (9, 3, 2, 2), PLAIN, {}),
    # blocks 8, 8 of what is added to Mitchell's sums
    "beyond Mitchell": (MBM(8, signed=True), (2, 9, 7, 6), (70, 9, 3, 3), PLAIN, {}),
    # blocks 16, 4; int64 sums
    "beyond Mitchell, unsigned": (MBM(8), (1, 5, 7, 6), (9, 5, 3, 3), PLAIN, {}),
    # a sum of terms is 2**5 times the products
    "scaled": (Mitchell(7, signed=True), (1, 5, 5, 5), (4, 5, 2, 3), PLAIN, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_sums_are_the_references(case, ran, monkeypatch):
    spec, x_shape, w_shape, parameters, options = CASES[case]
    if case == "scaled":  # direct arithmetic is faster; it is the scale that matters here
        monkeypatch.setattr(tensor_cores.TensorProducts, "rate", lambda *_: np.inf)
    x, w = random_codes(spec, x_shape, 1), random_codes(spec, w_shape, 2)
    device = {"capability": (8, 0), "shared_limit": 163 << 10} if options else {}
    if case == "large":
        device["multiprocessors"] = 1
    for order in (0, 7) if case == "flat" else (0,):
        actual = on_tensor_cores(x, w, spec, parameters, order=order, **device)
        check(spec, actual, naive_conv2d(x, w, spec, *parameters))
    kernels = ["pattern.cu", "tensor.cu"] if "beyond" in case else ["tensor.cu"]
    assert [launched["source"] for launched in ran][: len(kernels)] == kernels
    few = ("flat", "narrow", "scaled", "beyond Mitchell, unsigned")
    tile = LARGE if case == "large" else FLAT if case in few else MEDIUM
    assert ran[-1]["MBM_HW_TILE"] == dict(tile.macros)["MBM_HW_TILE"]


@pytest.mark.parametrize("shape", [(9, 37, 4), (3, 1, 40), (20, 5, 20)])
def test_matmul_is_the_references(shape):
    m, k, n = shape
    x, w = random_codes(MBM_T3, (m, k), 1), random_codes(MBM_T3, (k, n), 2, extreme=True)
    check(MBM_T3, on_tensor_cores(x, w, MBM_T3), naive_matmul(x, w, MBM_T3))


def test_long_sums_of_the_largest_products_are_exact():
    terms = 8_192
    x, w = torch.full((1, terms), -128, dtype=torch.int8), torch.full((terms, 2), -128).char()
    w[:, 1] = 127
    sums = on_tensor_cores(x, w, MBM_T3)
    check(MBM_T3, sums, ops.matmul(x, w, MBM_T3).numpy())


def test_sums_of_as_many_terms_as_ops_allows_stay_in_int32():
    for family, truncations in ((MBM, range(6)), (Mitchell, range(1, 6))):
        for truncation in truncations:
            products = tensor_products(spec_values(family(8, truncation, True)), 65_536, H200)
            assert products.factorization.max_terms >= 65_536


FAULTS = {
    "a dropped factor": None,
    "a wrong scale": ("tensor_convolution.h", ">> scale)", ">> (scale + 1))"),
    "a code's factors for its neighbour's": (
        "tensor_fragments.h",
        "return lane % 4 / kMembers;",
        "return lane % 4 / kMembers * (kMembers % 2);",
    ),
    "sums that were there are lost": (
        "tensor_convolution.h",
        "adds ? sum + added : added",
        "added",
    ),
    "halves of a row swapped": (
        "tensor_convolution.h",
        "tile.a[i][0], tile.a[i][2]);",
        "tile.a[i][2], tile.a[i][0]);",
    ),
    "no barrier between panels": (
        "tensor_convolution.h",
        "store(quads, panel ^ 1);\n        __syncthreads();",
        "store(quads, panel ^ 1);",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_caught(fault, tmp_path, monkeypatch):
    if FAULTS[fault] is None:
        packed = tensor_cores._packed

        def without_the_last(*arguments):
            factors = packed(*arguments).clone()
            factors.view(torch.int8)[1::16][:256] = 0
            return factors

        monkeypatch.setattr(tensor_cores, "_packed", without_the_last)
    else:
        file, text, instead = FAULTS[fault]
        sources = tmp_path / "kernels"
        shutil.copytree(SOURCES, sources)
        before = (sources / file).read_text()
        assert before.count(text) == 1, text
        (sources / file).write_text(before.replace(text, instead))
        monkeypatch.setattr(emulated_cuda, "_sources", sources)
    spec = MBM(8, signed=True) if "lost" in fault else MBM_T3
    x, w = random_codes(spec, (1, 3, 7, 7), 1), random_codes(spec, (9, 3, 4, 4), 2)
    expected = ops.conv2d(x, w, spec)
    try:
        actual = on_tensor_cores(x, w, spec, PLAIN, order=1)
    except RuntimeError as error:  # the sanitizer's
        assert "AddressSanitizer" in str(error)  # noqa: PT017
        return
    assert not torch.equal(actual, expected)


@pytest.mark.parametrize(
    ("architecture", "blocks"),
    [("sm_80", "32"), ("sm_90", "16, 8, 4"), ("sm_90", "16"), ("sm_100", "16, 8, 4")],
)
def test_large_tiles_compile_without_spills(architecture, blocks, tmp_path):
    check_compiles(architecture, blocks, LARGE, tmp_path)


@pytest.mark.parametrize("tile", [MEDIUM, FLAT], ids=["medium", "flat"])
def test_other_tiles_compile_without_spills(tile, tmp_path):
    check_compiles("sm_90", "16, 8", tile, tmp_path)


def check_compiles(architecture, blocks, tile, tmp_path):
    macros = {
        "CODE": "int8_t",
        "SUM": "int32_t",
        "WIDTH": 8,
        "FACTORS": blocks,
        "SCALE": 0,
        "ADDS": int(blocks == "8, 8"),
    }
    variant = Variant(
        "tensor.cu", tuple((f"MBM_HW_{k}", str(v)) for k, v in macros.items()) + tile.macros
    )
    with (tmp_path / "log.txt").open("w+") as log:
        compile_(variant, architecture, logs=log, verbose=True)
        log.seek(0)
        said = log.read()
    assert re.findall(r"(\d+) bytes spill (?:stores|loads)", said) == ["0", "0"], said


def chosen(spec, sizes, device=H200, terms=576, multiprocessors=132):
    values = spec_values(spec)
    parts = fastest_products(values, terms, sizes, device, multiprocessors)
    return " + ".join(products.name for products in parts)


def test_tensor_cores_are_chosen_where_they_should_be_faster():
    large = (8 * 60 * 80, 128, 1)
    for truncation, terms in ((1, 46), (2, 28), (3, 22), (4, 18)):
        name = chosen(MBM(8, truncation, signed=True), large)
        assert name == f"tensor cores, {terms} int8 products"
    assert chosen(MBM_T2, (112 * 112, 1, 96)) != f"tensor cores, {28} int8 products"
    assert chosen(Mitchell(8, signed=True), large) == "floating-point patterns"
    beyond = "floating-point patterns + tensor cores, {} int8 products"
    assert chosen(MBM(8, signed=True), large) == beyond.format(15)
    assert chosen(MBM(8), large) == beyond.format(19)
    assert "tensor" in chosen(MBM(7, signed=True), large)  # halving its correction cuts a bit
    for spec in (Exact(8, signed=True), MBM(16, 8), Table(product_table(MBM_T2), signed=True)):
        assert "tensor" not in chosen(spec, large)
    before_sm_80 = multiprocessor((7, 5), 64 << 10)
    assert chosen(MBM_T2, large, before_sm_80) == "logarithms"
    # No sum may leave int32 on its way.
    assert "tensor" not in chosen(MBM(8, 2), large, terms=40_000)
    assert "tensor" in chosen(MBM(8, 2), large, terms=30_000)


def test_doubles_are_left_out_where_they_are_slow():
    graphics = multiprocessor((8, 6), 99 << 10)
    assert (H200.doubles, graphics.doubles) == (64, 2)
    for spec in (MBM(16, signed=True), Mitchell(12, signed=True)):
        assert chosen(spec, (38_400, 128, 1)) == "patterns of doubles"
    assert chosen(MBM(16, signed=True), (38_400, 128, 1), graphics) == "logarithms"
    assert chosen(MBM(16), (38_400, 128, 1), graphics) == "logarithms"


def test_sums_that_a_double_cannot_hold_go_step_by_step():
    for spec, terms in ((MBM(16, signed=True), 2**20), (MBM(16), 2**18)):
        assert chosen(spec, (38_400, 128, 1), terms=terms) == "patterns of doubles"
        assert chosen(spec, (38_400, 128, 1), terms=terms + 1) == "logarithms"


def test_blocks_are_the_narrowest_that_fit():
    assert block_widths(28, 3) == (16, 8, 4)
    assert block_widths(28, 1) == block_widths(29, 2) == (32,)
    assert block_widths(46, 2) == (32, 16)
    assert block_widths(46, 1) is None
    assert tensor_products(spec_values(MBM_T2), 9, A100).blocks == (32,)
    assert tensor_products(spec_values(MBM_T2), 9, H200).blocks == (16, 8, 4)


def test_rates_are_those_of_the_instructions_and_what_feeds_them():
    """By hand: an H200's scheduler takes 6.35 clocks to an mma of 4096 products."""
    assert tensor_rate(H200, (16, 8), LARGE) == pytest.approx(0.63 * 4096 / 24)
    assert tensor_rate(A100, (32,), LARGE) == pytest.approx(2048 / 32)
    assert mma_clocks(H200, 4, LARGE) == 8  # a load of factors and one of codes, four schedulers'
    assert tensor_rate(H200, (16, 8), FLAT) < 0.6 * 4096 / 24  # fragments are used less often


@pytest.mark.parametrize("spec", [MBM_T2, MBM(8, signed=True)], ids=lambda spec: spec.identifier)
@pytest.mark.parametrize("tile", [LARGE, FLAT], ids=["large", "flat"])
def test_loads_of_shared_memory_are_those_that_the_rate_counts(spec, tile):
    """In the machine code, where each block has a loop of its own, over whole words of codes."""
    base = None if spec.truncation else Mitchell(8, signed=True)
    products = tensor_products(spec_values(spec), 9, H200, base)
    variant = Variant(products.variant.source, products.variant.macros + tile.macros)
    code, _ = disassembled(compiled(variant, "sm_90"))
    loads = mmas = 0
    for block in products.blocks:
        steps = max(4, MMA_DEPTH // block) * block // MMA_DEPTH
        mmas += steps * tile.down * tile.across
        loads += steps * tile.down * tile.across * sum(mma_loads(block, tile))
    assert sum("IMMA" in instruction for instruction in code) == mmas
    assert sum(map(loaded_words, code)) == loads
