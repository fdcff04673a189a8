"""A family of one's own: its files alone take it through Verilog, simulation and proof."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from components import assert_equal, expected_products, products

from mbm_hw import find_spec, multiply
from mbm_hw.hdl import Multiplier, to_verilog
from mbm_hw.hdl.designs import Design
from mbm_hw.hdl.verilog import design_to_verilog
from proof.anchor import anchor_pairs, disagreement
from proof.prover import prove
from proof.specification import Undefined, specification
from sim.cases import cases_for
from sim.coverage import covered, reachable
from sim.faults import FAULTS
from sim.runner import simulate
from sim.vectors import operand_pairs

FOLDER = Path(__file__).parent / "own_family"
SIM = os.environ.get("SIM") or "icarus"
LIMIT = 60


@pytest.fixture(scope="module", autouse=True)
def own_faults():
    """The names of the family's faults, which are there while these tests run."""
    before = set(FAULTS)
    cut("width=6, k=2")
    found = sorted(set(FAULTS) - before)
    yield found
    for name in found:
        del FAULTS[name]


def cut(parameters):
    return find_spec(f"{FOLDER}/cut.py:Cut({parameters})")


def bare(kind, parameters):
    return find_spec(f"{FOLDER}/bare.py:{kind}({parameters})")


def written(design, folder):
    source = folder / f"{design.name}.v"
    source.write_text(design_to_verilog(design))
    return source


@pytest.mark.parametrize("parameters", ["width=6, k=2", "width=5, k=1, signed=True"])
def test_its_component_equals_its_product(parameters):
    spec = cut(parameters)
    assert_equal(spec, products(Multiplier(spec)), expected_products(spec))
    text = to_verilog(spec)
    assert "// Ref: A. Nobody, Journal of Tests, 2026.\n" in text
    assert "stands in" not in text


@pytest.mark.parametrize(
    ("parameters", "pipeline", "stream"),
    [
        ("width=6, k=2", 0, False),
        ("width=5, k=1, bias=True", 4, False),
        ("width=4, k=2, signed=True", 1, True),
    ],
)
def test_its_verilog_is_simulated_and_proved(parameters, pipeline, stream, tmp_path):
    design = Design(cut(parameters), pipeline, stream)
    source = written(design, tmp_path)
    limit = 100 if design.is_clocked else None
    simulation = simulate(design, source, SIM, tmp_path / "build", limit=limit)
    assert simulation.mismatches == 0, "\n".join(simulation.messages)
    assert limit or simulation.missed == ()
    proof = prove(design, source, LIMIT, tmp_path / "proof")
    assert set(proof.results.values()) == {"proved"}, proof
    assert {"fits", "below", "product"} <= proof.results.keys()


@pytest.mark.parametrize("parameters", ["width=6, k=2, bias=True", "width=12, k=3, signed=True"])
def test_its_definition_equals_its_product(parameters):
    spec = cut(parameters)
    assert disagreement(spec, *anchor_pairs(spec)) is None


@pytest.mark.parametrize("parameters", ["width=12, k=9", "width=16, k=4, signed=True"])
def test_wide_operands_hit_its_own_bins_and_those_of_all(parameters):
    spec = cut(parameters)
    assert cases_for(spec).twin() == cut(
        parameters.replace("12", "8").replace("16", "8").replace("k=9", "k=6")
    )
    assert {"cut: yes", "cut: no", "product is 0: yes"} <= reachable(spec)
    assert set(covered(spec, *operand_pairs(spec))) == reachable(spec)


def test_its_planted_faults_are_caught_and_refuted(own_faults, tmp_path):
    assert own_faults == ["cut6_k2_bias_zero_forgotten", "cut6_k2_one_bit_more_dropped"]
    for name in own_faults:
        fault = FAULTS[name]
        source = tmp_path / f"{fault.design.name}.v"
        source.write_text(fault.verilog())
        assert simulate(fault.design, source, SIM, tmp_path / "build").mismatches > 0, name
        proof = prove(fault.design, source, LIMIT, tmp_path / name)
        assert proof.results["product"] == "refuted", name


def test_a_product_table_stands_in_for_a_component_and_says_so():
    spec = bare("Bare", "width=4, signed=True")
    assert_equal(spec, products(Multiplier(spec)), expected_products(spec))
    line = "// No component of this family is known: its product table stands in.\n"
    assert line in to_verilog(spec)


def test_a_mantissa_table_stands_in_for_a_component_and_says_so():
    spec = bare("FloatBare", "exponent_bits=3, mantissa_bits=2")
    patterns = np.arange(1 << spec.width)
    expected = multiply(spec, patterns[:, None], patterns)
    assert_equal(spec, products(Multiplier(spec)), expected)
    assert "its mantissa table stands in" in to_verilog(spec, pipeline=2)


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("Bare", "width=9", "bare9 has no component .*@core_of.Bare.*to 8 bits only, not 9"),
        (
            "FloatBare",
            "exponent_bits=5, mantissa_bits=10",
            "bare_fp16 has no component .* to 8 mantissa bits only, not 10",
        ),
    ],
)
def test_a_wide_multiplier_without_a_component_is_refused(kind, parameters, message):
    with pytest.raises(ValueError, match=message):
        to_verilog(bare(kind, parameters))


@pytest.mark.parametrize("kind", ["Bare", "Heir"])
def test_a_family_without_a_definition_is_undefined_whatever_it_inherits(kind, tmp_path):
    spec = bare(kind, "width=4")
    with pytest.raises(Undefined, match=f"{spec.family}.smt2 is missing in proof/specifications"):
        specification(spec)
    design = Design(spec)
    proof = prove(design, written(design, tmp_path), LIMIT, tmp_path)
    assert (proof.result, proof.results) == ("undefined", {"definition": "undefined"})
    assert proof.note.startswith(f"{spec.identifier}: the family {spec.family} has no definition")


def test_an_heir_has_the_component_and_the_cases_of_its_parent():
    spec = bare("Heir", "width=4, signed=True")
    assert_equal(spec, products(Multiplier(spec)), expected_products(spec))
    assert "stands in" not in to_verilog(spec)
    assert "overflow corner: no x positive" in reachable(spec)


@pytest.mark.parametrize(
    ("program", "summary"),
    [
        (["sim", "--sim", SIM], "1 of 1 simulations, 256 products and sums, 0 mismatches, 0 of "),
        (["proof"], "1 of 1 proved, "),
    ],
)
def test_the_commands_take_a_family_in_a_file(program, summary, tmp_path):
    name = f"{FOLDER}/cut.py:Cut(width=4, k=1)"
    command = [sys.executable, "-m", *program, "--spec", name, "--results", str(tmp_path)]
    run = subprocess.run(command, cwd=FOLDER.parent.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1].startswith(summary)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bare.py:Bare(width=9)", "bare9 has no component (a Core with @core_of(Bare)), and a"),
        (
            "bare.py:Bare(width=3)",
            f"{FOLDER}/bare.py:Bare(width=3): Bare: width must be an integer",
        ),
        ("none.py:Bare(width=4)", f"{FOLDER}/none.py: No such file or directory\n"),
    ],
)
def test_a_family_in_a_file_that_cannot_be_taken_is_one_line_and_status_2(name, message):
    for program in ("sim", "proof"):
        command = [sys.executable, "-m", program, "--spec", f"{FOLDER}/{name}"]
        run = subprocess.run(command, cwd=FOLDER.parent.parent, capture_output=True, text=True)
        assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1), run.stderr
        assert run.stderr.startswith(f"{program}: {message}")
