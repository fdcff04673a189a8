"""What a regression writes: whatever went wrong is in the JUnit XML and on the page."""

import os
from xml.etree import ElementTree

import pytest

from mbm_hw.hdl import DESIGNS
from sim.designs import RTL
from sim.regression import main
from sim.report import write_report
from sim.runner import simulate

SIM = os.environ.get("SIM") or "icarus"


@pytest.fixture
def rtl(tmp_path, monkeypatch):
    """Return the folder where `sim` looks for designs."""
    folder = tmp_path / "rtl"
    folder.mkdir()
    monkeypatch.setattr("sim.designs.RTL", folder)
    return folder


def suite(folder):
    (found,) = ElementTree.parse(folder / "junit.xml").getroot()
    return found


def test_a_simulation_that_broke_is_an_error(rtl, tmp_path, monkeypatch, capsys):
    text = (RTL / "mbm4s.v").read_text()
    (rtl / "mbm4s.v").write_text(text.replace("endmodule", "endmodul"))
    command = ["sim", "--spec", "mbm4s", "--sim", SIM, "--results", str(tmp_path / "sim")]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 1
    assert "0 of 1 simulations" in capsys.readouterr().out
    broken = suite(tmp_path / "sim")
    assert broken.attrib == {"name": f"{SIM}.mbm4s", "tests": "1", "errors": "1"}
    assert "does not build; see " in broken.find("testcase/error").get("message")
    page = (tmp_path / "sim" / "index.html").read_text()
    assert "1 simulations, 1 failures" in page
    assert "does not build; see " in page


def test_a_wrong_product_is_a_failure(rtl, tmp_path, monkeypatch):
    text = (RTL / "mbm4s.v").read_text()
    (rtl / "mbm4s.v").write_text(text.replace("endmodule", "initial force product = 0; endmodule"))
    command = ["sim", "--spec", "mbm4s", "--sim", SIM, "--results", str(tmp_path / "sim")]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 1
    assert suite(tmp_path / "sim").find("testcase/failure") is not None


def test_each_missed_bin_is_a_failure(tmp_path):
    (tmp_path / "sim-layer").mkdir()
    (tmp_path / "sim-layer" / "mbm8s_engine16x16.md").touch()
    outcome = simulate(
        DESIGNS["mbm4s"], RTL / "mbm4s.v", SIM, tmp_path / "sim" / SIM / "mbm4s", limit=1
    )
    write_report([outcome], tmp_path / "sim")
    assert len(outcome.missed) > 10
    found = suite(tmp_path / "sim")
    assert (found.get("tests"), found.get("failures")) == (
        str(len(outcome.missed) + 1),
        str(len(outcome.missed)),
    )
    messages = [failure.get("message") for failure in found.iter("failure")]
    assert messages == [f"not exercised: {case}" for case in outcome.missed]
    page = (tmp_path / "sim" / "index.html").read_text()
    assert f"{len(outcome.missed)} failures" in page
    assert "mbm4s: not exercised: correction: " in page
    assert 'href="../sim-layer/mbm8s_engine16x16.md"' in page
