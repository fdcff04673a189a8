"""Product tables as components, against the reference, and the files that they are read from."""

import gc

import numpy as np
import pytest
from components import assert_equal, expected_products, products, simulate

from mbm_hw import MBM, Table, product_table
from mbm_hw.hdl import Multiplier, ProductTable
from mbm_hw.hdl.product_table import read_hex
from mbm_hw.multipliers import pattern_values


@pytest.mark.parametrize("pipeline", range(5))
@pytest.mark.parametrize("signed", [False, True])
def test_a_table_becomes_a_multiplier(signed, pipeline):
    generator = np.random.default_rng(7)
    low, high = (-32, 31) if signed else (0, 63)
    spec = Table(generator.integers(low, high, (8, 8), endpoint=True), signed=signed)
    component = Multiplier(spec, pipeline)
    expected = expected_products(spec)

    async def testbench(context):
        if pipeline:
            context.set(component.en, 1)
        for a, b in np.ndindex(8, 8):
            context.set(component.a, a)
            context.set(component.b, b)
            if pipeline:
                await context.tick().repeat(pipeline)
            else:
                await context.delay(1e-9)
            assert context.get(component.product) == expected[a, b], f"{spec}: {a}, {b}"

    simulate(component, testbench, clocked=pipeline > 0)


def test_a_sign_magnitude_table_keeps_its_signs():
    generator = np.random.default_rng(8)
    spec = Table(generator.integers(0, 64, (8, 8)), sign_magnitude=True)
    legal = pattern_values(spec) >= spec.operand_min
    actual, expected = products(Multiplier(spec)), expected_products(spec)
    legal_pairs = legal[:, None] & legal
    assert_equal(spec, np.where(legal_pairs, actual, 0), np.where(legal_pairs, expected, 0))


def test_product_table_holds_the_product_table():
    spec = MBM(5, signed=True)
    assert_equal(spec, products(ProductTable(spec)), expected_products(spec))


def test_product_table_reads_a_readmemh_file(tmp_path):
    spec = MBM(5, signed=True)
    digits = -(-2 * spec.width // 4)
    path = tmp_path / "mbm5s.hex"
    path.write_text("".join(f"{word:0{digits}x}\n" for word in expected_products(spec).flat))
    table = read_hex(path, signed=True)
    assert np.array_equal(table.array, product_table(spec))
    assert_equal(spec, products(ProductTable(table)), expected_products(spec))


@pytest.mark.parametrize(
    ("text", "message"),
    [("1\n2\n3\n", "holds 3 words"), ("x\n" * 16, "hexadecimal"), ("", "holds 0 words")],
)
def test_a_broken_readmemh_file_is_named(tmp_path, text, message):
    path = tmp_path / "broken.hex"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"broken.hex .*{message}"):
        read_hex(path)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize("latency", [-1, 4, True])
def test_another_latency_of_a_product_table_is_refused(latency):
    with pytest.raises(ValueError, match="latency must be an integer 0 to 3, not"):
        ProductTable(MBM(4), latency)
    gc.collect()
