"""Families of one's own: in a file, or of another package."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_study import tiny_study

from mbm_hw import find_spec, multiply, ops
from mbm_hw.cli import main
from mbm_hw.hdl import find_design
from mbm_hw.multipliers import registry
from mbm_hw.studies.batch import MEASURED
from mbm_hw.studies.cluster import local_workers
from mbm_hw.studies.description import Layers, read_study
from mbm_hw.studies.run import StudyRun

ROOT = Path(__file__).parent.parent
MINE = ROOT / "models/my_multiplier.py"
SOURCE = """
from dataclasses import dataclass
import numpy as np
from mbm_hw import IntegerSpec, family, integer

@family("mine")
@dataclass(frozen=True, kw_only=True)
class Mine(IntegerSpec):
    width: int = 8
    k: int = integer("k", 1, lambda spec: spec.width - 2, default=2)
    signed: bool = False

    def product(self, a, b):
        return a * b >> np.uint64(self.k)
"""


@pytest.fixture
def mine(tmp_path):
    """The file of a family; what is registered is forgotten after the test."""
    held = registry.state()
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    yield path
    registry.restore(held)


def changed(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_class_with_parameters_or_an_identifier_names_a_spec(mine):
    spec = find_spec(f"{mine}:Mine(width=6, k=3, signed=True)")
    assert spec.identifier == "mine6s_k3"
    assert find_spec(f"{mine}:mine6s_k3") == spec == find_spec("mine6s_k3")
    assert find_spec(f"{mine}:Mine") == find_spec(f"{mine}:mine8") == find_spec(f"{mine}:Mine()")
    assert int(multiply(f"{mine}:mine8_k1", 7, 6)) == 21
    assert find_design(f"{mine}:Mine(width=6, k=3)_p2").name == "mine6_k3_p2"
    assert find_design(f"{mine}:mine6s_mac").name == "mine6s_mac"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("Mine(width=99)", r"mine.py:Mine\(width=99\): Mine: width must be an integer 4 to 32"),
        ("Mine(k=7)", "Mine: k must be an integer 1 to 6, not 7"),
        ("Mine(j=7)", r"mine.py:Mine\(j=7\): .*unexpected keyword argument 'j'"),
        ("Mine(8)", "parameters are written name=value, not '8'"),
        ("Mine(k=exit())", "parameters must be numbers, True, False or text"),
        ("Mine(k=)", r"mine.py:Mine\(k=\): "),
        ("mine99", "mine.py:mine99: Mine: width must be an integer 4 to 32"),
        ("mine8_j3", "mine.py:mine8_j3: 'mine8_j3': Mine has no parameter 'j3'; it has k"),
        ("mbm8", "mine.py has no family 'mbm8'; it has Mine"),
        ("IntegerSpec", "IntegerSpec must be decorated with @family"),
        ("", "mine.py has no family ''; it has Mine"),
    ],
)
def test_a_wrong_expression_is_said_with_the_file(mine, expression, message):
    with pytest.raises(ValueError, match=message) as caught:
        find_spec(f"{mine}:{expression}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@family", "@familiar", r"NameError: name 'familiar' is not defined \(mine.py, line 6\)"),
        ("import numpy", "import numpyy", r"No module named 'numpyy' \(mine.py, line 3\)"),
        ("class Mine", "class Mine:", r"SyntaxError: invalid syntax \(mine.py, line 8\)"),
        ("frozen=True, ", "", "Mine must be a dataclass.frozen=True"),
        ('"mine"', '"drum"', "'drum' is the family of DRUM in .*drum.py: give yours another name"),
        ('"mine"', '"Mine 2"', "a family's name is of lower-case letters and digits"),
        ("    signed: bool = False\n", "", "Mine lacks the field signed"),
    ],
)
def test_a_wrong_file_is_said_with_its_line_and_registers_nothing(mine, old, new, message):
    changed(mine, old, new)
    before = registry.families()
    with pytest.raises(ValueError, match=f"mine.py:Mine: .*{message}"):
        find_spec(f"{mine}:Mine")
    assert registry.families() == before


def test_a_family_of_the_package_is_never_replaced(mine):
    mine.write_text(SOURCE.replace('"mine"', '"drum"').replace("class Mine", "class DRUM"))
    with pytest.raises(ValueError, match="'drum' is the family of DRUM in "):
        find_spec(f"{mine}:DRUM")
    assert int(multiply("drum8_k4", 100, 200)) == 21632


def test_two_files_have_no_family_of_the_same_name(mine, tmp_path):
    find_spec(f"{mine}:Mine")
    other = tmp_path / "other" / "mine.py"
    other.parent.mkdir()
    other.write_text(SOURCE)
    with pytest.raises(ValueError, match=r"'mine' is the family of Mine in .*mine.py: give"):
        find_spec(f"{other}:Mine")


def test_a_changed_file_gives_a_new_spec_and_leaves_the_old_one_its_products(mine):
    codes = torch.arange(16, dtype=torch.uint8)[:, None]
    old = find_spec(f"{mine}:Mine")
    first = ops.matmul(codes, codes.t(), old)
    changed(mine, ">> np.uint64(self.k)", "")
    new = find_spec(f"{mine}:Mine")
    exact = codes.long() @ codes.t().long()
    assert old != new
    assert torch.equal(ops.matmul(codes, codes.t(), new).long(), exact)
    assert torch.equal(ops.matmul(codes, codes.t(), old), first)
    assert torch.equal(first.long(), exact >> 2)
    assert np.array_equal(multiply(old, 9, 9), 81 >> 2)


def test_a_helper_beside_the_file_is_found(mine):
    (mine.parent / "steps.py").write_text("def dropped(x, k):\n    return x >> k\n")
    changed(mine, "import numpy as np", "import numpy as np\nfrom steps import dropped")
    changed(mine, "a * b >> np.uint64(self.k)", "dropped(a * b, np.uint64(self.k))")
    assert int(multiply(f"{mine}:Mine", 9, 9)) == 20


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


@pytest.mark.parametrize("command", ["errors", "table", "verilog"])
def test_an_error_in_the_users_product_is_one_line_with_file_and_line(
    mine, command, capsys, tmp_path
):
    changed(mine, "return a * b", "return a.nothing * b")
    output = ["-o", f"{tmp_path}/x.csv"] if command == "table" else []
    assert run(command, f"{mine}:Mine(width=4)", *output) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{mine}, line 14: AttributeError: 'numpy.ndarray' object has no attribute" in said


@pytest.mark.parametrize("module", ["sim", "proof"])
def test_simulation_and_proof_name_the_users_file_and_line_too(mine, module, tmp_path):
    changed(mine, "return a * b", "return a.nothing * b")
    arguments = ["--spec", f"{mine}:Mine(width=4)", "--results", str(tmp_path / "results")]
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2
    *_, said = done.stderr.splitlines()
    assert said.startswith(f"{module}: {mine}, line 14: AttributeError: ")
    assert "Traceback" not in done.stderr


def test_commands_take_the_example(capsys, tmp_path):
    name = f"{MINE}:MyMultiplier(width=8, k=4)"
    assert run("errors", name, "--against", "drum8_k4", "--json") == 0
    assert '"differing": 0' in capsys.readouterr().out
    assert run("table", f"{MINE}:mydrum8_k4", "-o", f"{tmp_path}/table.npy") == 0
    assert np.load(tmp_path / "table.npy")[100, 200] == 21632
    assert run("verilog", f"{MINE}:mydrum4s_p1") == 0
    assert "module mydrum4s_p1(clk, rst, en, a, b, product);" in capsys.readouterr().out


def study_of(mine, folder, parameters="width=8, k=2, signed=True"):
    spec = find_spec(f"{mine}:Mine({parameters})")
    return StudyRun(
        tiny_study(folder, specs=(spec,), layers=Layers(each=False)), folder / "results"
    )


def keys(run):
    return {unit.case.spec_name: set(run.keys(unit)) for unit in run.units}


def test_a_study_knows_its_rows_by_the_files_code(mine, tmp_path, monkeypatch):
    before = study_of(mine, tmp_path)
    rows = before.rows()
    assert {row["spec"] for row in rows} == {"float", "exact8s", "mine8s"}
    changed(mine, "    def product", "    # The same.\n    def product")
    same = study_of(mine, tmp_path)
    monkeypatch.setattr(StudyRun, "score", None)
    assert (same.rows(), same.description) == (rows, before.description)
    changed(mine, "a * b >>", "a * b * a // a >>")
    other = study_of(mine, tmp_path)
    assert {name for name, own in keys(other).items() if own != keys(before)[name]} == {"mine8s"}
    assert other.description != before.description


def without_times(rows):
    return [{key: value for key, value in row.items() if key not in MEASURED} for row in rows]


def test_a_study_file_runs_families_of_a_file_on_workers(mine, tmp_path):
    name = f"{mine}:Mine(width=8, k=2, signed=True)"
    tiny_study(tmp_path)
    file = tmp_path / "tiny.yaml"
    file.write_text(
        f"{{network: '{tmp_path}/tiny_network.py:tiny', metrics: classification, weights: "
        f"'{tmp_path}/tiny_network.py:nothing', data: {{kind: digits, seed: 0, images: 2}}, "
        f"specs: ['{name}', {{spec: '{mine}:mine8s_k3', name: ours}}], layers: {{each: false}}}}\n"
    )
    study = read_study(file)
    alone = StudyRun(study, tmp_path / "alone").rows()
    assert {row["spec"] for row in alone} == {"float", "exact8s", "mine8s", "ours"}
    run = StudyRun(study, tmp_path / "shared")
    with local_workers(1) as score, run.open_store() as store:
        for _ in run.compute(store, run.units, score):
            pass
        assert without_times(run.finished(store, run.units)) == without_times(alone)


def test_a_family_of_another_package_is_found_by_its_name(tmp_path):
    program = (
        "import mbm_hw, mbm_hw.hdl; from mbm_hw.hdl import DESIGNS; "
        "print(mbm_hw.find_spec('mine8_k3'), 'mine8_k1' in mbm_hw.CATALOG, 'mine8_k1' in DESIGNS)"
    )
    source = SOURCE.replace('family("mine")', 'family("mine", points=["mine8_k1"])')
    assert installed(tmp_path, source, program) == "Mine(width=8, k=3, signed=False) True False\n"


def test_a_family_of_another_package_that_fails_is_named(tmp_path):
    said = installed(tmp_path, "import nowhere", "import mbm_hw.cli as c; c.main(['errors', 'm8'])")
    assert said == (
        "mbm-hw: the entry point mine = plugin:Mine of plugin: ModuleNotFoundError: "
        "No module named 'nowhere'\n"
    )


def installed(folder, source, program):
    """Return what a program prints where a distribution `plugin` names the class Mine."""
    (folder / "plugin.py").write_text(source)
    meta = folder / "plugin-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text("[mbm_hw.families]\nmine = plugin:Mine\n")
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
    )
    return done.stdout + done.stderr
