"""The exported Verilog, proved equal to the specification; and the proofs, put to the test."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mbm_hw import MBM, Mitchell
from mbm_hw.hdl import DESIGNS
from mbm_hw.hdl.designs import MAX_PIPELINE, Design
from mbm_hw.multipliers import CATALOG, Table, multiply
from mbm_hw.multipliers.table_files import write_table
from proof import specification
from proof.anchor import anchor_pairs, disagreement
from proof.claims import claims
from proof.model import ModelError, read_model
from proof.prover import prove
from proof.solver import solve
from proof.tasks import Task, catalog_tasks, sweep_tasks
from sim.faults import FAULTS

ROOT = Path(__file__).parent.parent
LIMIT = 120  # far more than any of these needs, in seconds
# `make prove` takes them all; a test takes those that need little time.
SLOW = (
    *("mbm32", "mbm32s", "mbm16", "mbm16_t4", "mbm16s", "mbm16s_t8", "mbm16s_p3", "mbm16s_p4"),
    *("mbm8s_dot16_p2", "mbm16s_t8_mac_acc40_p3"),
)
FAST = [task for task in catalog_tasks() if task.name not in SLOW]
WIDE = ("exact16s", "mbm16", "mbm16s_t8", "mbm32s", "mbm_bf16", "exact_fp16", "mbm_fp32_t15")
ANCHORED = [*(name for name, spec in CATALOG.items() if spec.width <= 8), *WIDE]


@pytest.mark.parametrize("task", FAST, ids=lambda task: task.name)
def test_rtl_equals_the_specification(task, tmp_path):
    proof = prove(task.design, task.source(tmp_path), LIMIT, tmp_path)
    assert set(proof.results.values()) == {"proved"}, proof
    assert {path.stem for path in tmp_path.iterdir()} == set(proof.results)


def is_quick(task):
    return task.design.spec.family == "table" and task.design.spec.width <= 5


@pytest.mark.parametrize("task", list(filter(is_quick, sweep_tasks())), ids=lambda task: task.name)
def test_an_exported_table_equals_the_table(task, tmp_path):
    proof = prove(task.design, task.source(tmp_path), LIMIT, tmp_path / "proof")
    assert set(proof.results.values()) == {"proved"}, proof
    assert disagreement(task.design.spec, *anchor_pairs(task.design.spec)) is None


def test_the_memory_of_a_wide_table_is_the_file_beside_it(monkeypatch, tmp_path):
    monkeypatch.setattr("mbm_hw.hdl.product_table.WideTables.MAX_WORDS", 16)
    array = np.random.default_rng(0).integers(0, 64, (8, 8))
    task = Task("table", Design(Table(array)))
    source = task.source(tmp_path)
    assert "$readmemh" in source.read_text()
    assert prove(task.design, source, LIMIT, tmp_path / "proof").result == "proved"

    array[5, 6] ^= 1
    write_table(Table(array), tmp_path / f"{task.design.name}.hex")
    proof = prove(task.design, source, LIMIT, tmp_path / "proof")
    assert str(proof.counterexample).startswith(f"{task.design.name}: 5 * 6 is {array[5, 6]}, ")


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


@pytest.mark.parametrize(
    ("right", "wrong", "claim"),
    [
        ("(ite overflow fraction corrected)", "corrected", {"fits", "product"}),
        ("(= characteristic (bvsub product_width one))", "true", {"corner", "product"}),
        (
            "(define-fun small_characteristic () Word six)",
            "(define-fun small_characteristic () Word seven)",
            {"product"},
        ),
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


def test_what_is_proved_is_not_asked_again_but_anything_else_is(monkeypatch, tmp_path):
    fault = FAULTS["mbm8_small_product_corner_dropped"]
    design, right = fault.design, ROOT / f"rtl/{fault.design.name}.v"
    wrong = tmp_path / right.name
    wrong.write_text(fault.verilog())
    proof = prove(design, right, LIMIT, tmp_path / "proof")
    assert proof.result == "proved"
    assert prove(design, wrong, LIMIT, tmp_path / "proof").result == "refuted"
    assert prove(design, wrong, LIMIT, tmp_path / "proof").result == "refuted"
    monkeypatch.setattr("proof.prover.solve", None)
    assert prove(design, right, LIMIT, tmp_path / "proof") == proof
    monkeypatch.setattr("proof.prover.VERSION", "another")
    with pytest.raises(TypeError):
        prove(design, right, LIMIT, tmp_path / "proof")


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
    widths = {design.spec.width for design in designs if not design.spec.is_float}
    assert widths == set(range(2, 17))
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
        (["--spec", "mbmx"], "proof: no multiplier is called 'mbmx'; did you mean "),
        (["--sweep", "--faults"], "proof: give one of --spec, --sweep and --faults"),
        (["--limit", "-5"], "proof: Invalid value for '--limit': -5.0 is not in the range x>0."),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(arguments, message):
    run = run_proof(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(message)
    assert run.stderr.count("\n") == 1


UNDRIVEN = """module odd(input clk, input rst, input en, input a, output reg q);
  wire [1:0] w;
  assign w[0] = a & en;
  always @(posedge clk) if (rst) q <= 0; else if (en) q <= {bit};
endmodule
"""


def test_bits_that_nothing_drives_are_read_if_nothing_uses_them(tmp_path):
    source = tmp_path / "odd.v"
    source.write_text(UNDRIVEN.format(bit="w[0]"))
    model = read_model(source, "odd")
    assert model.registers == {"q": 1}
    assert model.state_width == 1 + 4 + 1 + 1
    source.write_text(UNDRIVEN.format(bit="w[1]"))
    with pytest.raises(ModelError):
        read_model(source, "odd")
