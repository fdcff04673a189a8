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


def toggles(*arguments):
    command = [sys.executable, "-m", "proof.toggles", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "constant"),
    [("mbm4s", ("core_shifted_1[5] is 0", "core_shifted_2[7] is 0")), ("mbm8s_p2", ())],
)
def test_every_bit_toggles_or_is_proved_constant(verilator, name, constant, tmp_path):
    found = accounted(ROOT / "rtl" / f"{name}.v", covered(name, tmp_path))
    assert found.missed == ()
    assert found.constant == constant
    assert found.points > 200


def test_operands_that_toggle_little_fail_the_command(verilator, tmp_path):
    covered("mbm4s", tmp_path, limit=1)
    run = toggles(str(tmp_path), "mbm4s")
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


def test_a_design_of_which_nothing_was_counted_fails_the_command(tmp_path):
    (tmp_path / "mbm4s").mkdir()
    (tmp_path / "mbm4s" / "coverage.dat").write_text("# SystemC::Coverage-3\n")
    run = toggles(str(tmp_path), "mbm4s")
    assert run.returncode == 1
    assert run.stderr == "mbm4s: Verilator counted nothing\n"


def test_only_the_named_designs_are_looked_at(verilator, tmp_path):
    """What lies there of another one, of an older simulation, is not."""
    covered("mbm4s", tmp_path)
    (tmp_path / "mbm8").mkdir()
    (tmp_path / "mbm8" / "coverage.dat").write_text("")
    run = toggles(str(tmp_path), "mbm4s")
    assert run.returncode == 0, run.stderr
    assert "mbm8" not in run.stdout


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mbm8"], "proof.toggles: {}/mbm8/coverage.dat is missing: simulate with COVERAGE=1"),
        ([], "proof.toggles: {}/mbm4s/coverage.dat is missing: simulate with COVERAGE=1"),
        (["mbmx"], "proof.toggles: no multiplier is called 'mbmx'; did you mean "),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(names, message, tmp_path):
    run = toggles(str(tmp_path), *names)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(message.format(tmp_path))
    assert run.stderr.count("\n") == 1
