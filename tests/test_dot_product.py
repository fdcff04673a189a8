"""MACs and dot-product units: their Verilog in co-simulation, planted faults, bad arguments."""

import os
from pathlib import Path

import numpy as np
import pytest
from amaranth.sim import Simulator

from mbm_hw import MBM, Exact, Mitchell, Table, multiply
from mbm_hw.hdl import DOT_PRODUCTS, DotProduct, dot_product_to_verilog
from mbm_hw.hdl.dot_product_verilog import DotProductDesign, to_design_verilog
from proof.prover import prove
from sim.dot_product import Model, simulate_dot_product
from sim.dot_product_coverage import lanes
from sim.dot_product_faults import DESIGN, DOT_PRODUCT_FAULTS, faulty_verilog

RTL = Path(__file__).parent.parent / "rtl"
SIM = os.environ.get("SIM") or "icarus"


@pytest.mark.parametrize("name", DOT_PRODUCTS)
def test_rtl_is_fresh(name):
    text = (RTL / f"{name}.v").read_bytes()
    assert text == to_design_verilog(DOT_PRODUCTS[name]).encode(), "rtl/ is stale"


@pytest.mark.parametrize("name", DOT_PRODUCTS)
def test_rtl_equals_the_reference(name, tmp_path):
    outcome = simulate_dot_product(DOT_PRODUCTS[name], RTL / f"{name}.v", SIM, tmp_path / name)
    assert outcome.mismatches == 0, "\n".join(outcome.messages)
    assert outcome.vectors > 3_000
    assert outcome.bins >= 17
    assert outcome.missed == ()


@pytest.mark.parametrize(
    "design",
    [
        DotProductDesign(MBM(4, 1, signed=True), 7, 4, 11),
        DotProductDesign(Exact(4), 1, 0, 8),
        DotProductDesign(Exact(4), 1, 1, 128),
    ],
    ids=lambda design: design.name,
)
def test_simulation_takes_accumulators_of_any_width(design, tmp_path):
    source = tmp_path / f"{design.name}.v"
    source.write_text(to_design_verilog(design))
    outcome = simulate_dot_product(design, source, SIM, tmp_path / "build")
    assert outcome.mismatches == 0, "\n".join(outcome.messages)


@pytest.mark.parametrize("design", [(2, 0), (1, 2), (3, 3)], ids=str)
def test_a_unit_starts_at_0_whatever_a_table_holds_for_zeros(design, tmp_path):
    lanes, pipeline = design
    table = Table(np.random.default_rng(1).integers(-32, 32, (8, 8)), signed=True)
    assert multiply(table, 0, 0) != 0
    design = DotProductDesign(table, lanes, pipeline, accumulator_width=10)
    source = tmp_path / f"{design.name}.v"
    source.write_text(to_design_verilog(design))
    outcome = simulate_dot_product(design, source, SIM, tmp_path / "build")
    assert outcome.mismatches == 0, "\n".join(outcome.messages)
    assert prove(design, source, limit=120, folder=tmp_path / "proof").result == "proved"


def test_the_faults_design_is_right_without_them(tmp_path):
    source = tmp_path / f"{DESIGN.name}.v"
    source.write_text(to_design_verilog(DESIGN))
    outcome = simulate_dot_product(DESIGN, source, SIM, tmp_path / "build")
    assert outcome.mismatches == 0, "\n".join(outcome.messages)


@pytest.mark.parametrize("name", DOT_PRODUCT_FAULTS)
def test_a_planted_fault_is_caught(name, tmp_path):
    source = tmp_path / f"{DESIGN.name}.v"
    source.write_text(faulty_verilog(name))
    outcome = simulate_dot_product(DESIGN, source, SIM, tmp_path / "build")
    assert outcome.mismatches > 0, f"{name} passed {outcome.vectors} checks"
    assert all(message.startswith(f"{DESIGN.name}: ") for message in outcome.messages)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("else if (en) sum <=", "else sum <="),
        ("else if (en) overflow <=", "else overflow <= en &"),
        ("if (rst) overflow <= 1'h0", "if (rst) overflow <= overflow === 1'h1"),
    ],
    ids=["sum_moves_in_a_stall", "flag_lost_in_a_stall", "flag_kept_by_a_reset"],
)
def test_a_register_that_ignores_a_control_is_caught(right, wrong, tmp_path):
    text = to_design_verilog(DESIGN)
    assert right in text
    source = tmp_path / f"{DESIGN.name}.v"
    source.write_text(text.replace(right, wrong))
    assert simulate_dot_product(DESIGN, source, SIM, tmp_path / "build").mismatches > 0


def test_lanes_that_are_never_alike_are_missed():
    assert lanes(np.array([[3, -1], [0, 5]])) == {"lanes: mixed"}
    assert lanes(np.array([[3, 1], [0, 0]])) == {"lanes: all positive", "lanes: all 0"}


@pytest.mark.parametrize(
    "design",
    [
        DotProductDesign(MBM(5, signed=True), 5, 0, 13),
        DotProductDesign(MBM(5), 5, 3, 13),
        DotProductDesign(Exact(4, signed=True), 8, 1, 11),
        DotProductDesign(Mitchell(4), 1, 0, 8),
        DotProductDesign(Table(np.arange(256).reshape(16, 16)), 3, 2, 10),
    ],
    ids=lambda design: design.name,
)
def test_components_of_any_width_equal_the_reference(design):
    spec, lanes, pipeline, width = design
    component = DotProduct(*design)
    generator = np.random.default_rng(3)
    shape = 2, 400, lanes
    a, b = generator.integers(spec.operand_min, spec.operand_max, shape, endpoint=True)
    b[:200] = a[:200]  # products above 0, so that sums overflow
    first = generator.random(400) < 0.05
    first[0] = True
    totals = multiply(spec, a, b).sum(1).tolist()
    model, expected = Model(width, spec.signed), []
    for total, is_first in zip(totals, first, strict=True):
        model.add(total, is_first)
        expected.append((model.sum % (1 << width), int(model.overflow)))

    def packed(row):
        mask = (1 << spec.width) - 1
        return sum((int(x) & mask) << (i * spec.width) for i, x in enumerate(row))

    async def testbench(context):
        came = []
        context.set(component.en, 1)
        for x, y, is_first in zip(a, b, first, strict=True):
            context.set(component.a, packed(x))
            context.set(component.b, packed(y))
            context.set(component.first, bool(is_first))
            await context.tick()
            came.append((context.get(component.sum), context.get(component.overflow)))
        assert came[pipeline:] == expected[: len(came) - pipeline]
        assert {flag for _, flag in came} == {0, 1}

    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def test_names_say_the_parameters():
    spec = MBM(8, signed=True)
    assert "module mbm8s_mac(clk, rst, en, first, a, b, sum, overflow);" in (
        dot_product_to_verilog(spec)
    )
    assert DotProductDesign(spec, 4).name == "mbm8s_dot4"
    assert DotProductDesign(spec, 4, 2, 24).name == "mbm8s_dot4_acc24_p2"
    assert dot_product_to_verilog("mbm8s", 4) == dot_product_to_verilog(MBM(8, signed=True), 4)
    assert "module unit(" in dot_product_to_verilog(Exact(4), 2, "unit")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("mbm_bf16", 4), TypeError, "DotProduct takes an integer spec, not FloatMBM"),
        ((MBM(8), 0), ValueError, "lanes must be an integer 1 to 256, not 0"),
        ((MBM(8), True), ValueError, "lanes must be an integer 1 to 256, not True"),
        ((MBM(8), 4, None, 9), ValueError, "pipeline must be an integer 0 to"),
        ((MBM(8), 4, None, 0, 17), ValueError, "accumulator_width must be an integer 18 to 128"),
        ((MBM(32), 1), ValueError, "must be an integer 64 to 128 for 1 products of 64 bits"),
        ((MBM(8), 4, "a b"), ValueError, "name must be a Verilog identifier, not 'a b'"),
    ],
)
def test_what_is_no_dot_product_unit_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        dot_product_to_verilog(*arguments)
