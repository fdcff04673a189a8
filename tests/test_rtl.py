"""The exported Verilog: fresh, and in co-simulation equal to the reference.

The simulator is that of the environment variable SIM, icarus by default. Without it these tests
fail: a check that cannot run has not passed.
"""

import csv
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from mbm_hw import CATALOG, MBM, FloatMitchell, Table
from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, to_verilog, write_designs
from mbm_hw.hdl.designs import Design
from mbm_hw.hdl.verilog import design_to_verilog
from mbm_hw.multipliers.table_files import write_table
from sim import coverage, vectors
from sim.cocotb_run import SimulationError
from sim.code_coverage import read_points
from sim.report import COLUMNS
from sim.runner import simulate
from sim.simulators import MissingTool, environment

ROOT = Path(__file__).parent.parent
RTL = ROOT / "rtl"
SIM = os.environ.get("SIM") or "icarus"


def run_sim(*arguments, **variables):
    command = [sys.executable, "-m", "sim", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", DESIGNS)
def test_rtl_is_fresh(name):
    text = (RTL / f"{name}.v").read_bytes()
    assert text == design_to_verilog(DESIGNS[name]).encode(), "rtl/ is stale: run `make verilog`"


def test_rtl_holds_nothing_else():
    names = {*DESIGNS, *DOT_PRODUCTS}
    assert {path.name for path in RTL.iterdir()} == {"README.md", *(f"{n}.v" for n in names)}


def test_write_designs_writes_all_and_removes_nothing(tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    paths = write_designs(tmp_path)
    assert [path.name for path in paths] == [f"{name}.v" for name in (*DESIGNS, *DOT_PRODUCTS)]
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", *(p.name for p in paths)}


@pytest.mark.parametrize("name", DESIGNS)
def test_rtl_equals_the_reference(name, tmp_path):
    result = simulate(DESIGNS[name], RTL / f"{name}.v", SIM, tmp_path / name)
    assert result.mismatches == 0, "\n".join(result.messages)
    width = DESIGNS[name].spec.width
    assert result.vectors >= (4**width if width <= 8 else 20_000)
    assert result.missed == (), f"{name}: no operands for these"


@pytest.mark.parametrize(
    "design",
    [
        Design(MBM(4, truncation=2), 1, stream=True),
        Design(FloatMitchell(3, 4, truncation=2), 4, stream=True),
        Design(Table(np.arange(16).reshape(4, 4)), 3, stream=True),
    ],
    ids=lambda design: design.name,
)
def test_designs_that_rtl_has_not_equal_the_reference(design, tmp_path):
    source = tmp_path / f"{design.name}.v"
    source.write_text(design_to_verilog(design))
    result = simulate(design, source, SIM, tmp_path / "build", limit=300)
    assert result.mismatches == 0, "\n".join(result.messages)


@pytest.mark.parametrize("pipeline", [0, 1, 4])
def test_a_sign_magnitude_table_equals_the_reference(pipeline, tmp_path):
    array = np.random.default_rng(1).integers(0, 64, (8, 8))
    array[0, 0] = 5  # what registers that were reset must give
    spec = Table(array, sign_magnitude=True)
    design = Design(spec, pipeline)
    source = tmp_path / f"{design.name}.v"
    source.write_text(to_verilog(spec, pipeline=pipeline))
    result = simulate(design, source, SIM, tmp_path / "build")
    assert result.mismatches == 0, "\n".join(result.messages)
    assert result.vectors >= 15 * 15


def test_a_wide_table_reads_its_file(tmp_path):
    products = np.random.default_rng(2).integers(0, 1 << 18, (512, 512))
    spec = Table(products)
    source = tmp_path / f"{spec.identifier}.v"
    source.write_text(to_verilog(spec))
    write_table(spec, tmp_path / f"{spec.identifier}.hex")
    result = simulate(Design(spec), source, SIM, tmp_path / "build", limit=5_000)
    assert (result.vectors, result.mismatches) == (5_000, 0), "\n".join(result.messages)


@pytest.mark.parametrize("name", ["mbm16s_t8", "mbm_fp32_t15", "exact_fp32"])
def test_a_bin_without_operands_is_missed(name, tmp_path):
    """Of operands below 16, and of numbers from 1.0 on, none overflows."""
    spec = CATALOG[name]
    a = np.full(16, 0 if spec.width == 16 else spec.exponent_bias << spec.mantissa_bits) + range(16)
    hit = set(coverage.covered(spec, a, a))
    assert 0 < len(hit) < len(coverage.reachable(spec))
    assert hit <= coverage.reachable(spec)


def test_verilog_that_does_not_compile_is_an_error(tmp_path):
    source = tmp_path / "mbm8.v"
    source.write_text("module mbm8(a, b, product); endmodul")
    with pytest.raises(SimulationError, match="does not build"):
        simulate(DESIGNS["mbm8"], source, SIM, tmp_path / "build")


def test_an_output_that_is_unknown_is_a_mismatch(tmp_path):
    source = tmp_path / "mbm4s.v"
    ports = "input [3:0] a, input [3:0] b, output [7:0] product"
    source.write_text(f"module mbm4s({ports});\nassign product = 8'bx;\nendmodule\n")
    result = simulate(DESIGNS["mbm4s"], source, "icarus", tmp_path / "build")
    assert (result.vectors, result.mismatches) == (256, 256)
    assert result.messages[0] == "mbm4s: 0 * 0 is XXXXXXXX, expected 0"


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_a_missing_simulator_is_an_error_that_says_how_to_get_it(simulator, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sim.simulators.PRIVATE", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingTool, match="is not installed: run `"), environment(simulator):
        pass


def test_sim_ends_with_a_table(tmp_path):
    arguments = ["--sim", SIM, "--spec", "mbm4s", "--waves", "--results", str(tmp_path)]
    result = run_sim(*arguments, COVERAGE="1")  # make hands its variables on
    assert result.returncode == 0, result.stderr
    header, _, row, summary = result.stdout.splitlines()
    assert header.split() == [*COLUMNS]
    assert row.split()[:4] == ["mbm4s", SIM, "256", "0"]
    assert summary.startswith("1 of 1 simulations, 256 products and sums, 0 mismatches, 0 of ")
    with (tmp_path / "results.csv").open() as file:
        assert [line["design"] for line in csv.DictReader(file)] == ["mbm4s"]
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == [f"{SIM}.mbm4s"]
    assert f'href="{SIM}/mbm4s/"' in (tmp_path / "index.html").read_text()
    waves = {"icarus": "mbm4s.fst", "verilator": "dump.vcd"}[SIM]
    assert (tmp_path / SIM / "mbm4s" / waves).stat().st_size > 0


def test_sim_takes_dot_products_too(tmp_path):
    result = run_sim("--sim", SIM, "--spec", "mbm8s_mac", "--results", str(tmp_path))
    assert result.returncode == 0, result.stderr
    design, _, checks, mismatches, *_ = result.stdout.splitlines()[2].split()
    assert (design, mismatches) == ("mbm8s_mac", "0")
    assert int(checks) > 3_000
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == [f"{SIM}.mbm8s_mac"]


def test_verilators_points_are_read(tmp_path):
    point = "C '\x01f\x02mbm8.v\x01l\x02{}\x01t\x02toggle\x01o\x02a[7]:{}\x01h\x02mbm8' {}\n"
    text = "# SystemC::Coverage-3\n" + point.format(3, "0->1", 5) + point.format(3, "1->0", 0)
    (tmp_path / "coverage.dat").write_text(text)
    points = read_points(tmp_path / "coverage.dat")
    assert points == {"line 3 toggle a[7]:0->1": 5, "line 3 toggle a[7]:1->0": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--spec", "mbmx"], "sim: no multiplier is called 'mbmx'; did you mean "),
        (["--sim", "vcs"], "sim: argument --sim: invalid choice: 'vcs'"),
        (
            ["--coverage", "--sim", "icarus"],
            "sim: --coverage is Verilator's: give --sim verilator or --sim all",
        ),
        (
            ["--seed", "-1"],
            "sim: argument --seed: it must be an integer 0 to 9223372036854775807, not",
        ),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(arguments, message):
    result = run_sim(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["mbm16", "mbm16s", "mbm32", "mbm32s"])
def test_wide_operands_hold_the_corners_and_a_sample(name):
    spec = CATALOG[name]
    corners = set(vectors.corners(spec).tolist())
    top = spec.width - 1 - spec.signed
    assert {0, 1, 1 << top, (1 << top) - 1, (1 << top) + 1} <= corners
    assert {spec.operand_min, spec.operand_max} <= corners
    a, b = vectors.operand_pairs(spec, seed=3)
    assert len(a) == len(corners) ** 2 + 20_000
    again = vectors.operand_pairs(spec, seed=3)
    assert np.array_equal((a, b), again)
    assert not np.array_equal((a, b), vectors.operand_pairs(spec, seed=4))
    assert (min(a.min(), b.min()), max(a.max(), b.max())) == (spec.operand_min, spec.operand_max)


@pytest.mark.parametrize("name", ["exact_fp32", "mbm_bf16", "mitchell_fp16"])
def test_float_operands_hold_the_special_values_and_a_sample(name):
    spec = CATALOG[name]
    infinity, bits = spec.exponent_max << spec.mantissa_bits, spec.mantissa_bits
    a, b = vectors.operand_pairs(spec, seed=3)
    assert {0, 1, 1 << bits, infinity, infinity + 1, infinity - 1} <= set(a.tolist())
    assert np.array_equal((a, b), vectors.operand_pairs(spec, seed=3))
    assert not np.array_equal((a, b), vectors.operand_pairs(spec, seed=4))
    if bits <= 8:
        pairs = set(zip((a % (1 << bits)).tolist(), (b % (1 << bits)).tolist(), strict=True))
        assert len(pairs) == 4**bits


def test_narrow_operands_are_all_there():
    a, b = vectors.operand_pairs(MBM(8, signed=True))
    assert len(set(zip(a.tolist(), b.tolist(), strict=True))) == 1 << 16
