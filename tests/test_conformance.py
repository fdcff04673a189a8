"""Every family keeps what all must keep, and each check can fail."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from mbm_hw.cli import main
from mbm_hw.conformance import CHECKS, conform, errors, hardware, products
from mbm_hw.hdl.cores import Core, core_of
from mbm_hw.multipliers import (
    FloatMitchell,
    IntegerSpec,
    Mitchell,
    Table,
    families,
    family,
    find_spec,
    integer,
    product_table,
    registry,
)
from mbm_hw.multipliers.lowering import Term, Terms, as_it_is
from mbm_hw.multipliers.published import Figures, Publication

ROOT = Path(__file__).parent.parent
CUT = Path(__file__).parent / "own_family"
MINE = ROOT / "models/my_multiplier.py"
OWN_CHECKS = [name for name in CHECKS if name not in ("definition", "proof", "faults")]


def failures(results):
    return [f"{r.family}: {r.check}: {r.detail}" for r in results if r.result == "failed"]


@pytest.mark.parametrize("entry", families(), ids=lambda entry: entry.label)
def test_every_family_conforms(entry):
    widths = (8,) if entry.kind.is_float or entry.kind.MIN_WIDTH > 4 else (4,)
    assert not failures(conform(entry, widths=widths, checks=OWN_CHECKS))


@pytest.mark.parametrize("entry", families(), ids=lambda entry: entry.label)
def test_every_family_conforms_where_no_table_helps(entry):
    """At 16 bits: products, terms, operators and layers."""
    checks = ["reference", "range", "counterparts", "lowering", "operators", "layers"]
    assert not failures(conform(entry, widths=(16,), checks=checks))


def test_product_tables_conform():
    table = Table(product_table(Mitchell(4, signed=True)), signed=True)
    entry = registry.family_of_spec(table)
    magnitudes = Table(product_table(Mitchell(4)), sign_magnitude=True)
    assert not failures(conform(entry, [table, magnitudes], checks=OWN_CHECKS))


DOCSTRING = """Operands without their lowest bits.

    Parameters
    ----------
    width : int
        Bits.
    k : int
        Bits dropped.
    signed : bool
        Two's complement.

    References
    ----------
    Nobody.

    Examples
    --------
    >>> 1 + 1
    {}
    """


@pytest.fixture
def own():
    """A function that returns a family of the test's own, a class called Bad with its members."""
    held = registry.state()

    def made(members=(), parent=None, name="bad"):
        parent = parent or Good
        members = {"__module__": __name__, "__doc__": DOCSTRING.format(2)} | dict(members)
        kind = dataclasses.dataclass(frozen=True, kw_only=True)(type("Bad", (parent,), members))
        globals()["Bad"] = family(name)(kind)  # where pickle looks
        return registry.families()[-1]

    yield made
    registry.restore(held)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Good(IntegerSpec):
    width: int
    k: int = integer("k", 1, lambda spec: spec.width - 2)
    signed: bool = False
    worsened_by = ("k",)

    def product(self, a, b):
        k = np.uint64(self.k)
        return (a >> k) * (b >> k) << (k + k)

    def cut(self, x):
        return x >> self.k << self.k


@core_of(Good)
class GoodCore(Core):
    def operand(self, m, name, x):
        return (x[self.spec.k :],)

    def combined(self, m, a, b):
        return (a[0] * b[0],)

    def result(self, m, product):
        return product << 2 * self.spec.k


def test_a_right_family_fails_no_check(own):
    found = list(conform(own(), widths=(4,), checks=OWN_CHECKS))
    assert not failures(found)
    absent = {result.check: result.detail for result in found if result.result == "absent"}
    assert absent.keys() == {"published", "special_values", "lowering"}
    assert absent["lowering"] == "no lowering: the product table multiplies"


WRONG_TERMS = {"lowering": lambda self: Terms((Term(as_it_is, as_it_is),))}


def float_product(self, a, b):
    return a * 0 - 4096


@pytest.mark.parametrize(
    ("check", "members", "message"),
    [
        ("names", {"identifier": property(lambda s: f"bad{s.width}")}, "Bad needs k"),
        ("names", {"identifier": property(lambda s: f"Bad {s.width}")}, "'Bad 4' must be lower"),
        ("names", {"__repr__": lambda self: "Bad(4)"}, "repr Bad.4. cannot be evaluated"),
        ("copies", {"__deepcopy__": lambda s, memo: None}, "a deepcopy of Bad.* is None"),
        ("parameters", {"__annotations__": {"j": int}, "j": 2}, "the field j must be an integer"),
        ("parameters", {"__post_init__": lambda self: None}, "is not refused"),
        ("docstring", {"__doc__": "Nothing."}, "has no section Parameters, References, Examples"),
        (
            "docstring",
            {"__doc__": DOCSTRING.replace("k : int", "j : int")},
            "must be k, signed, width",
        ),
        ("example", {"__doc__": DOCSTRING.format(3)}, "an example of Bad failed: 1 . 1 Expected"),
        (
            "monotone",
            {"worsened_by": (), "improved_by": ("k",)},
            "must not rise with k: bad4_k1 has",
        ),
        (
            "reference",
            {"product": lambda self, a, b: a * b + np.uint64(a.size > 1)},
            "bad4_k1: in an array",
        ),
        ("range", {"product": lambda self, a, b: (a * b) << np.uint64(1)}, "not 0 to 255"),
        (
            "range",
            {"product": lambda self, a, b: a * 0.5 * b},
            r"must return integers \[256\], not float64",
        ),
        ("counterparts", {"exact": lambda self: self}, "exact.. is Bad"),
        ("counterparts", {"twin": lambda self, signed: Mitchell(4, 1)}, "the twin of its twin"),
        ("lowering", WRONG_TERMS, "the sum of its terms: .* expected"),
        ("operators", WRONG_TERMS, "bad12_k.: matmul, .*: .* expected"),
        ("layers", WRONG_TERMS, "of a linear layer is .*, expected"),
    ],
)
def test_each_check_can_fail(own, check, members, message):
    widths = (12,) if check in ("operators", "layers") else (4,)
    (result,) = conform(own(members), widths=widths, checks=[check])
    assert result.result == "failed"
    assert re.search(message, result.detail), result.detail


def test_a_wrong_component_fails(own):
    entry = own()

    @core_of(entry.kind)
    class WrongCore(GoodCore):
        def result(self, m, product):
            return (product << 2 * self.spec.k) | product[-1]

    (result,) = conform(entry, widths=(4,), checks=["component"])
    assert "bad4_k1: the component (patterns): " in result.detail
    assert ", expected " in result.detail


def test_wrong_special_values_fail(own):
    members = {"product": float_product, "__doc__": ""}
    kind = own(members, FloatMitchell, "badfloat")
    (result,) = conform(kind, widths=(8,), checks=["special_values"])
    assert result.result == "failed"
    assert "patterns: " in result.detail


def test_wrong_tables_verilog_and_figures_fail(own, monkeypatch):
    entry = own()
    monkeypatch.setattr(products, "product_table", lambda spec: product_table(spec) + 1)
    monkeypatch.setattr(hardware, "to_verilog", lambda spec: "module other(a, b, product);")
    paper = Publication("Nobody", (Figures("bad8_k2", mred=1.0),))
    monkeypatch.setattr(errors, "PUBLISHED", {"bad": paper})
    found = list(conform(entry, widths=(4,), checks=["table", "verilog", "published"]))
    assert [result.result for result in found] == ["failed"] * 3
    assert "in the table: 0 * 0 is 1, expected 0" in found[0].detail
    assert "no module of this name" in found[1].detail
    assert "bad8_k2: mred is " in found[2].detail


def test_an_error_of_the_familys_code_is_a_failure_with_its_line(own):
    entry = own({"product": lambda self, a, b: a.nothing})
    (result,) = conform(entry, widths=(4,), checks=["reference"])
    assert "AttributeError: 'numpy.ndarray' object has no attribute 'nothing'" in result.detail
    assert "(test_conformance.py, line " in result.detail


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(["check", *arguments])
    return left.value.code


def test_the_command_checks_a_family_in_a_file(capsys):
    assert run(f"{MINE}:MyMultiplier", "--widths", "4,8", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["check"]: row["result"] for row in rows if row["result"] != "ok"} == dict.fromkeys(
        ("monotone", "published", "special_values", "lowering"), "absent"
    )


def test_a_failure_is_one_line_and_status_1(capsys, tmp_path):
    text = MINE.read_text().replace("mydrum", "faulty").replace("<< shift", "<< shift + 1")
    (tmp_path / "faulty.py").write_text(text)
    assert run(f"{tmp_path}/faulty.py:MyMultiplier", "--widths", "4") == 1
    printed = capsys.readouterr().out
    assert "| range          | FAILED   |" in printed
    assert "\nfaulty: range: faulty4: products: " in printed
    assert printed.endswith(" failed\n")


def test_one_multiplier_or_several_families_are_checked(capsys):
    assert run("drum8_k4", "--csv") == 0
    assert "drum,names,ok,1," in capsys.readouterr().out
    assert run("float_lmul", "roba", "--widths", "4") == 0
    printed = capsys.readouterr().out
    assert "- special_values: integers have no special values: roba\n" in printed
    assert re.search(r"\n2 families, \d+ checks, 0 failed\n$", printed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dram"], "no multiplier is called 'dram'"),
        (["drum", "--widths", "5"], "'5' is not one of 4, 6, 8, 12, 16, 32"),
        (["drum", "--also", "nowhere"], "--also nowhere: No module named 'nowhere'"),
        (["nowhere.py:Mine"], "nowhere.py: No such file or directory"),
        ([f"{MINE}:Other"], "my_multiplier.py has no family 'Other'; it has MyMultiplier"),
        ([f"{MINE}:np"], "my_multiplier.py has no family 'np'; it has MyMultiplier"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, message, capsys):
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def proved(folder, changes, checks):
    """Return the results of a copy of `cut`, its files changed."""
    from proof import conformance  # noqa: F401  registers its checks

    for file in ("cut.py", "cut.smt2"):
        text = (CUT / file).read_text().replace('"cut"', '"tut"')
        for old, new in changes:
            text = text.replace(old, new)
        (folder / file.replace("cut.smt2", "tut.smt2")).write_text(text)
    spec = find_spec(f"{folder}/cut.py:Cut(width=4, k=1)")
    return {r.check: r for r in conform(registry.family_of_spec(spec), [spec], checks=checks)}


@pytest.fixture
def faults():
    from sim.faults import FAULTS

    before, held = dict(FAULTS), registry.state()
    yield FAULTS
    registry.restore(held)
    FAULTS.clear()
    FAULTS.update(before)


def test_definition_proof_and_planted_faults_are_checked(tmp_path, faults):
    found = proved(tmp_path, [], ["definition", "proof", "faults"])
    assert [result.result for result in found.values()] == ["ok"] * 3, found


@pytest.mark.parametrize(
    ("changes", "check", "message"),
    [
        ([("(bvshl (bvlshr x k) k)", "(bvlshr x k)")], "definition", "definition for the solver"),
        ([("product - self.bias() <<", "product <<")], "proof", "product is refuted"),
        (
            [("x[self.spec.k :] & ~Const(1, len(x))", "x[self.spec.k :]")],
            "faults",
            "one_bit_more_dropped: co-simulation finds no wrong product",
        ),
    ],
)
def test_each_check_by_proof_and_simulation_can_fail(tmp_path, faults, changes, check, message):
    result = proved(tmp_path, changes, [check])[check]
    assert result.result == "failed"
    assert message in result.detail


def test_an_absent_definition_is_named(own, faults):
    from proof import conformance  # noqa: F401  registers its checks

    (result,) = conform(own(), widths=(4,), checks=["proof"])
    assert (result.result, "bad.smt2 is missing" in result.detail) == ("absent", True)
