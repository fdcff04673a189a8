"""The Amaranth components against the reference, in Amaranth's own simulator."""

import gc
import subprocess
import sys
import warnings

import numpy as np
import pytest
from components import assert_equal, expected_products, products, simulate

from mbm_hw import (
    CATALOG,
    MBM,
    Exact,
    FloatExact,
    FloatMBM,
    FloatMitchell,
    Mitchell,
    multiply,
)
from mbm_hw.hdl import (
    DESIGNS,
    DOT_PRODUCTS,
    Multiplier,
    StreamMultiplier,
    find_design,
    to_verilog,
)
from mbm_hw.hdl.leading_one import LeadingOne


def narrow_specs():
    """All integer multipliers of 4, 5 and 6 bits."""
    for width in (4, 5, 6):
        for signed in (False, True):
            yield Exact(width, signed)
            for truncation in range(width - 2 if signed else width - 1):
                yield Mitchell(width, truncation, signed)
                yield MBM(width, truncation, signed)


def narrow_float_specs():
    """All floating-point multipliers of 4 to 6 bits."""
    for exponent_bits, mantissa_bits in [(2, 1), (2, 2), (3, 1), (2, 3), (3, 2), (4, 1)]:
        bits = exponent_bits, mantissa_bits
        yield FloatExact(*bits)
        for truncation in range(mantissa_bits):
            yield FloatMitchell(*bits, truncation)
            yield FloatMBM(*bits, truncation)
            yield FloatMBM(*bits, truncation, force_lsb=True)


@pytest.mark.parametrize("spec", [*narrow_specs()], ids=lambda spec: spec.identifier)
def test_every_narrow_multiplier_equals_the_reference(spec):
    assert_equal(spec, products(Multiplier(spec)), expected_products(spec))


@pytest.mark.parametrize("spec", [*narrow_float_specs()], ids=lambda spec: spec.identifier)
def test_every_narrow_float_multiplier_equals_the_reference(spec):
    patterns = np.arange(1 << spec.width)
    actual, expected = products(Multiplier(spec)), multiply(spec, patterns[:, None], patterns)
    assert_equal(spec, actual, expected)


@pytest.mark.parametrize("width", [2, 3, 7, 8, 12])
def test_leading_one_is_found_and_shifted_out(width):
    component = LeadingOne(width, tail_width=width - 1)

    async def testbench(context):
        for x in range(1 << width):
            context.set(component.x, x)
            await context.delay(1e-9)
            position = max(x.bit_length() - 1, 0)
            tail = (x << (width - 1 - position)) % (1 << (width - 1))
            found = [context.get(port) for port in (component.position, component.tail)]
            assert found == [position, tail], f"x = {x}"
            assert context.get(component.valid) == (x > 0)

    simulate(component, testbench)


@pytest.mark.parametrize("pipeline", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "spec",
    [
        MBM(6),
        MBM(6, 1, True),
        Mitchell(6, 0, True),
        Exact(6, True),
        Exact(6),
        FloatExact(3, 3),
        FloatMBM(4, 7),
    ],
    ids=lambda spec: spec.identifier,
)
def test_pipelines_stall_and_have_their_latency(spec, pipeline):
    component = Multiplier(spec, pipeline)
    generator = np.random.default_rng(pipeline)
    low, high = 0, (1 << spec.width) - 1
    if not spec.is_float:
        low, high = spec.operand_min, spec.operand_max
    a, b = generator.integers(low, high, (2, 300), endpoint=True)
    expected = multiply(spec, a, b).tolist()

    async def testbench(context):
        came = []
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            context.set(component.a, x)
            context.set(component.b, y)
            for enable in [0] * generator.integers(0, 3) + [1]:
                context.set(component.en, enable)
                held = context.get(component.product)
                await context.tick()
                if not enable:
                    assert context.get(component.product) == held
            came.append(context.get(component.product))
        mask = (1 << spec.product_width) - 1
        waited = pipeline - 1
        assert came[:waited] == [0] * waited
        assert came[waited:] == [product & mask for product in expected[: len(came) - waited]]

    simulate(component, testbench, clocked=True)


@pytest.mark.parametrize("pipeline", [-1, 5, 1.5, True, "2", None])
def test_another_pipeline_is_refused(pipeline):
    with pytest.raises(ValueError, match="pipeline must be an integer 0 to 4, not"):
        to_verilog(MBM(8), pipeline=pipeline)


@pytest.mark.parametrize("name", ["module", "8mbm", "a b", "x.y", ""])
def test_a_name_that_verilog_does_not_allow_is_refused(name):
    with pytest.raises(ValueError, match="name must"):
        to_verilog(MBM(8), name)


def test_verilog_is_stable_and_states_its_spec():
    text = to_verilog(MBM(8, signed=True), pipeline=2)
    assert text == to_verilog(MBM(8, signed=True), pipeline=2)
    assert text.startswith("// mbm8s_p2: MBM(width=8, truncation=0, signed=True), pipeline=2\n")
    assert "module mbm8s_p2(clk, rst, en, a, b, product);" in text
    assert "module multiplier(a, b, product);" in to_verilog(MBM(8), "multiplier")
    assert "Yosys" not in text


def test_a_refused_export_leaves_no_component_behind():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="name must"):
            to_verilog(MBM(8), "a b")
        with pytest.raises(ValueError, match="pipeline must"):
            to_verilog(MBM(8), pipeline=5)
        gc.collect()
    assert [warning.message for warning in caught] == []


def test_designs_are_the_catalog_pipelines_and_streams():
    shipped = [spec for spec in CATALOG.values() if not spec.source]  # other tests load files
    assert {spec.identifier for spec in shipped} <= set(DESIGNS)
    assert {"mbm8s_p2", "mbm16s_p4", "exact_e5m2", "mbm8s_p2_stream"} <= set(DESIGNS)
    assert all(name == design.name for name, design in DESIGNS.items())


@pytest.mark.parametrize("pipeline", range(5))
def test_streams_keep_the_order_and_their_rate(pipeline):
    spec = MBM(6, signed=True)
    component = StreamMultiplier(spec, pipeline)
    generator = np.random.default_rng(pipeline)
    a, b = generator.integers(spec.operand_min, spec.operand_max, (2, 300), endpoint=True)
    expected = [product & 0xFFF for product in multiply(spec, a, b).tolist()]

    async def testbench(context):
        came, sent, clocks = [], 0, 0
        context.set(component.operands.valid, 1)
        while len(came) < len(a):
            stalled = len(came) >= 100 and generator.integers(0, 2)
            context.set(component.products.ready, int(not stalled))
            pair = {"a": int(a[sent % 300]), "b": int(b[sent % 300])}
            context.set(component.operands.payload, pair)
            if context.get(component.products.valid) and not stalled:
                came.append(context.get(component.products.payload))
                assert len(came) != 100 or clocks == 99 + pipeline
            sent += context.get(component.operands.ready)
            clocks += 1
            await context.tick()
        assert came == expected

    simulate(component, testbench, clocked=True)


def test_designs_are_found_by_their_modules_names():
    designs = DESIGNS | DOT_PRODUCTS
    assert {name: find_design(name) for name in designs} == designs
    for name in ("mbm12s_t3_dot2_acc40_p1", "mbm_e4m3_plain_p1_stream", "exact5_p4"):
        assert find_design(name).name == name


def test_a_parameters_word_is_not_taken_for_register_stages():
    for name in ("boothr4_8s_kind1_p6", "boothr4_8s_kind1_p4_stream", "boothr4_8s_kind1_p6_p2"):
        assert find_design(name).name == name
    assert find_design("boothr4_8s_kind1_p6_mac").pipeline == 0


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nothing8", ValueError, "no multiplier is called 'nothing8'"),
        ("mbm8_p9", ValueError, "pipeline must be an integer 0 to 4, not 9"),
        ("mbm8_dot0", ValueError, "lanes must be an integer 1 to 256, not 0"),
        ("mbm8_mac_stream", ValueError, "MACs and dot-product units have no streams"),
        ("mbm_bf16_mac", ValueError, "mbm_bf16_mac: MACs and .* take integer specs only"),
    ],
)
def test_a_name_of_no_design_is_refused(name, error, message):
    with pytest.raises(error, match=message):
        find_design(name)


def test_importing_hdl_imports_no_torch():
    code = "import sys, mbm_hw.hdl; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
