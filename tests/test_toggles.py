"""The goal of toggle coverage: all that can happen does, and the rest is proved impossible."""

import subprocess
import sys
from pathlib import Path

import pytest

from mbm_hw.hdl import DESIGNS
from proof.model import read_model
from proof.toggles import accounted, constants
from sim.runner import simulate

ROOT = Path(__file__).parent.parent


def covered(name, folder, limit=None):
    """Return the path of coverage.dat that the simulation of a design leaves."""
    source = ROOT / "rtl" / f"{name}.v"
    folder = folder / name
    simulate(DESIGNS[name], source, "verilator", folder, limit=limit, is_covered=True)
    return folder / "coverage.dat"


@pytest.mark.parametrize(
    ("name", "constant"),
    [("mbm4s", ("core_shifted_1[5] is 0", "core_shifted_2[7] is 0")), ("mbm8s_p2", ())],
)
def test_every_bit_toggles_or_is_proved_constant(name, constant, tmp_path):
    toggles = accounted(ROOT / "rtl" / f"{name}.v", covered(name, tmp_path))
    assert toggles.missed == ()
    assert toggles.constant == constant
    assert toggles.points > 200


def test_operands_that_toggle_little_fail_the_command(tmp_path):
    covered("mbm4s", tmp_path, limit=1)
    command = [sys.executable, "-m", "proof.toggles", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert "mbm4s: not seen, and not proved impossible: " in run.stderr
    assert "points missed that can happen" in run.stdout


def test_what_is_constant_is_proved_for_all_states_since_a_reset(tmp_path):
    source = tmp_path / "unit.v"
    source.write_text("""module unit(input clk, input rst, input a, output reg [2:0] x);
        wire never = a & ~a;
        always @(posedge clk) x <= rst ? 3'b100 : {x[2] | x[1], x[1] & a, x[0] | a};
    endmodule""")
    bits = [("never", 0), ("x", 0), ("x", 1), ("x", 2), ("a", 0)]
    assert constants(read_model(source, "unit"), bits) == {
        ("never", 0): 0,
        ("x", 1): 0,
        ("x", 2): 1,
    }


def test_a_folder_without_coverage_is_status_2(tmp_path):
    command = [sys.executable, "-m", "proof.toggles", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert "has no DESIGN/coverage.dat: simulate with COVERAGE=1" in run.stderr
