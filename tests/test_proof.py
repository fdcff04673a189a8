"""The exported Verilog, proved equal to the specification; and the proofs, put to the test."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mbm_hw import MBM, Mitchell
from mbm_hw.catalog import CATALOG
from mbm_hw.hdl import DESIGNS
from mbm_hw.hdl.designs import MAX_PIPELINE
from mbm_hw.hdl.verilog import component_to_verilog
from mbm_hw.reference import multiply
from mbm_hw.spec import IntegerSpec
from proof import specification
from proof.anchor import anchor_pairs, disagreement
from proof.claims import claims
from proof.model import read_model
from proof.prover import prove
from proof.solver import solve
from proof.tasks import catalog_tasks, sweep_tasks
from sim.dot_product_faults import DESIGN, DOT_PRODUCT_FAULTS
from sim.faults import FAULTS
from sim.runner import simulate

ROOT = Path(__file__).parent.parent
SIM = os.environ.get("SIM") or "icarus"
LIMIT = 120  # far more than any of these needs, in seconds
# `make prove` takes them all; a test takes those that need little time.
SLOW = (
    *("mbm32", "mbm32s", "mbm16", "mbm16_t4", "mbm16s", "mbm16s_t8", "mbm16s_p3", "mbm16s_p4"),
    *("mbm8s_dot16_p2", "mbm16s_t8_mac_acc40_p3"),
)
FAST = [task for task in catalog_tasks() if task.name not in SLOW]
WIDE = ("exact16s", "mbm16", "mbm16s_t8", "mbm32s", "mbm_bf16", "exact_fp16", "mbm_fp32_t15")
ANCHORED = [*(name for name, spec in CATALOG.items() if spec.width <= 8), *WIDE]
DOT_PRODUCT_PORTS = ("clk", "rst", "en", "first", "a", "b", "sum", "overflow")
CAUGHT = ("overflow_corner_dropped_16_bits", "stall_ignored_by_one_register", "latency_too_long")


@pytest.mark.parametrize("task", FAST, ids=lambda task: task.name)
def test_rtl_equals_the_specification(task, tmp_path):
    proof = prove(task.design, task.source(tmp_path), LIMIT, tmp_path)
    assert set(proof.results.values()) == {"proved"}, proof
    assert {path.stem for path in tmp_path.iterdir()} == set(proof.results)


@pytest.mark.parametrize("name", ANCHORED)
def test_the_specification_equals_the_reference(name):
    a, b = anchor_pairs(CATALOG[name])
    assert len(a) == (2048 if name in WIDE else 4 ** CATALOG[name].width)
    assert disagreement(CATALOG[name], a, b) is None


@pytest.mark.parametrize(
    ("spec", "a", "b", "product"),
    [
        (MBM(8), 3, 3, 9),
        (MBM(8), 255, 255, 65024),
        (MBM(8), 128, 128, 17664),
        (Mitchell(8), 11, 66, 720),
        (MBM(16, truncation=8), 12345, 54321, 650117120),
        (MBM(16, truncation=4), 300, 7, 2049),
    ],
)
def test_the_specification_gives_published_products(spec, a, b, product):
    text = f"""(define-fun a () (_ BitVec {spec.width}) (_ bv{a} {spec.width}))
        (define-fun b () (_ BitVec {spec.width}) (_ bv{b} {spec.width}))
        {specification.specification(spec)}"""
    assert solve(text, LIMIT, ("product",)).values == {"product": product}


def test_a_wrong_reference_is_told_from_the_specification(monkeypatch):
    a, b = anchor_pairs(MBM(10))
    wrong = multiply(MBM(10, truncation=1), a, b)
    monkeypatch.setattr("proof.anchor.multiply", lambda *_: wrong)
    assert "in the reference" in disagreement(MBM(10), a, b)


@pytest.mark.parametrize("name", CAUGHT)
def test_a_planted_fault_has_a_counterexample_that_simulation_reproduces(name, tmp_path):
    design, source = FAULTS[name].design, tmp_path / "faulty.v"
    source.write_text(FAULTS[name].verilog())
    proof = prove(design, source, LIMIT, tmp_path)
    found = proof.counterexample
    assert proof.result == "refuted"
    assert found.actual != found.expected
    simulation = simulate(design, source, SIM, tmp_path / "replay", trace=found.trace)
    assert str(found) in simulation.messages


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("beat_lost_by_a_stall", "stalled"),
        ("beat_repeated", "gap"),
        ("beat_kept_by_a_reset", "reset"),
        ("ready_follows_the_products_ready", "ready"),
        ("a_bubble_each_other_clock", "product"),
        ("beat_lost_in_the_buffer", "model"),  # which has no buffer any more
    ],
)
def test_a_planted_fault_of_a_stream_is_refuted(name, claim, tmp_path):
    source = tmp_path / "faulty.v"
    source.write_text(FAULTS[name].verilog())
    assert prove(FAULTS[name].design, source, LIMIT, tmp_path).results[claim] != "proved"


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("flag_not_sticky", "sum"),
        ("flag_not_cleared", "sum"),
        ("first_ignored", "lane0"),
        ("overflow_at_the_carry", "sum"),
        ("carry_lost", "sum"),
        ("lane_dropped", "lane3"),
    ],
)
def test_a_planted_fault_of_a_dot_product_is_refuted(name, claim, tmp_path):
    source = tmp_path / "faulty.v"
    component = DOT_PRODUCT_FAULTS[name](*DESIGN)
    source.write_text(component_to_verilog(component, DESIGN.name, DOT_PRODUCT_PORTS))
    assert prove(DESIGN, source, LIMIT, tmp_path).results[claim] == "refuted"


@pytest.mark.parametrize(
    ("right", "wrong", "claim"),
    [
        ("(ite overflow fraction corrected)", "corrected", {"fits", "product"}),
        ("(= characteristic (bvsub product_width one))", "true", {"corner", "product"}),
        ("(bvule characteristic six)", "(bvule characteristic seven)", {"product"}),
        ("(bvlshr (ite is_corrected ten zero) carry)", "ten", {"product"}),
    ],
)
def test_a_wrong_specification_is_refuted(right, wrong, claim, monkeypatch, tmp_path):
    text = specification.specification(MBM(8))
    assert text.count(right) == 1
    faulty = text.replace(right, wrong)
    monkeypatch.setattr("proof.claims.specification", lambda spec: faulty)
    monkeypatch.setattr("proof.counterexample.specification", lambda spec: faulty)
    proof = prove(DESIGNS["mbm8"], ROOT / "rtl/mbm8.v", LIMIT, tmp_path)
    assert {name for name, result in proof.results.items() if result != "proved"} == claim


def test_what_cannot_be_assumed_is_vacuous(monkeypatch, tmp_path):
    real = claims(DESIGNS["mbm8s_p2"], read_model(ROOT / "rtl/mbm8s_p2.v", "mbm8s_p2"))
    impossible = [dataclasses.replace(c, assumed=f"{c.assumed}\n(assert false)") for c in real]
    monkeypatch.setattr("proof.prover.claims", lambda *_: impossible)
    proof = prove(DESIGNS["mbm8s_p2"], ROOT / "rtl/mbm8s_p2.v", LIMIT, tmp_path)
    assert set(proof.results.values()) == {"vacuous"}


def test_too_little_time_is_no_proof(tmp_path):
    proof = prove(DESIGNS["mbm32s"], ROOT / "rtl/mbm32s.v", 0.5, tmp_path)
    assert proof.results["product"] == proof.result == "timeout"


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("endmodule", "endmodul", "Yosys says"),
        ("posedge clk", "negedge clk", "its registers must change at clk posedge"),
    ],
)
def test_verilog_without_a_model_is_unreadable(right, wrong, message, tmp_path):
    source = tmp_path / "mbm8s_p2.v"
    source.write_text((ROOT / "rtl/mbm8s_p2.v").read_text().replace(right, wrong))
    proof = prove(DESIGNS["mbm8s_p2"], source, LIMIT, tmp_path)
    assert proof.result == "unreadable"
    assert message in proof.note


def test_the_sweep_is_every_width_and_sign_and_number_of_stages():
    designs = [task.design for task in sweep_tasks()]
    assert len(set(designs)) == len(designs)
    widths = {design.spec.width for design in designs if isinstance(design.spec, IntegerSpec)}
    assert widths == set(range(4, 17))
    assert {design.pipeline for design in designs} == set(range(MAX_PIPELINE + 1))


def run_proof(*arguments):
    command = [sys.executable, "-m", "proof", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_prove_ends_with_a_table(tmp_path):
    run = run_proof("--spec", "mbm4s", "--results", str(tmp_path))
    assert run.returncode == 0, run.stderr
    *table, anchored, summary = run.stdout.splitlines()
    assert table[-1].split()[1:4:2] == ["mbm4s", "proved"]
    assert anchored == "the specification equals the reference for 1 multipliers"
    assert summary.startswith("1 of 1 proved, ")
    assert (tmp_path / "mbm4s.md").read_text().splitlines() == table
    (row,) = json.loads((tmp_path / "mbm4s.json").read_text())
    assert row["proof"]["results"] == {"fits": "proved", "corner": "proved", "product": "proved"}


def test_a_timeout_fails_the_command(tmp_path):
    run = run_proof("--spec", "mbm16s", "--limit", "0.1", "--results", str(tmp_path))
    assert run.returncode == 1
    assert "mbm16s: product is timeout" in run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--spec", "mbm9"], "no design is called 'mbm9'; known: exact8, "),
        (["--sweep", "--faults"], "give one of --spec, --sweep and --faults"),
    ],
)
def test_a_wrong_argument_is_status_2(arguments, message):
    run = run_proof(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
