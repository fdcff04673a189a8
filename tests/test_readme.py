"""The code of README and docs runs, and their figures are those that the commands print."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from mbm_hw.cli import main
from mbm_hw.hdl.engine.parameters import JOB
from mbm_hw.nn.quantize import QUANTIZERS
from mbm_hw.ops.algorithms import ALGORITHMS
from mbm_hw.studies.data import KINDS
from mbm_hw.studies.description import Study
from mbm_hw.studies.layer_sets import Layers

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in ROOT.glob("docs/**/*.md")}
ERRORS = PAGES["docs/reference/errors.md"]
COST = PAGES["docs/reference/cost.md"]
FASTER = PAGES["docs/explanations/faster_algorithms.md"]


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_the_readmes_python_runs_and_prints_what_it_says(capsys):
    (twenty_lines,) = python_blocks(README)
    exec(compile(twenty_lines, "README.md", "exec"), {})
    printed = [float(line) for line in capsys.readouterr().out.split()]
    said = [float(n) for n in re.findall(r"print\(.*\) +# (-?[\d.]+):", twenty_lines)]
    assert len(said) == 2
    assert [round(value, 2) for value in printed] == said


def test_the_readmes_results_are_what_the_command_prints(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["atlas", "--committed", "-o", str(tmp_path)])
    printed = capsys.readouterr().out.strip()
    assert printed in README, "the README's table is stale: the command prints\n" + printed
    picture = ROOT / "docs/images/accuracy_over_energy.png"
    drawn, kept = (image.imread(path) for path in (tmp_path / "digits_narrow.png", picture))
    assert np.array_equal(drawn, kept), "the picture is stale: the command draws digits_narrow.png"


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if python_blocks(text)])
def test_the_python_of_a_page_runs(page):
    """In a fresh interpreter, as a reader runs it: other tests may know a page's family."""
    program = "\n".join(python_blocks(PAGES[page]))
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_the_multiplier_of_the_tutorial_is_the_shipped_one():
    shipped = (ROOT / "models/my_multiplier.py").read_text()
    assert python_blocks(PAGES["docs/tutorials/your_multiplier.md"]) == [shipped]


@pytest.mark.filterwarnings("ignore::mbm_hw.nn.LeftExactWarning")
def test_the_counted_multiplications_are_what_the_code_prints(capsys):
    page = PAGES["docs/explanations/what_is_approximate.md"]
    exec(compile("\n".join(python_blocks(page)), "page", "exec"), {})
    table = capsys.readouterr().out.strip()
    assert " ".join(table.split()) in " ".join(page.split()), "the page's is not\n" + table


def test_the_error_table_is_what_the_command_prints(capsys):
    with pytest.raises(SystemExit):
        main(["errors", "--paper"])
    table = capsys.readouterr().out.strip()
    assert table in ERRORS, "the page's table is stale: `mbm-hw errors --paper` prints\n" + table


def test_the_algorithms_table_is_what_the_command_prints(capsys):
    """Decibels and percents to 0.2: torch's own float layers before it depend on the machine."""
    with pytest.raises(SystemExit):
        main(["algorithms"])
    printed = capsys.readouterr().out.strip()
    header = printed.splitlines()[0]
    assert header in FASTER
    start = FASTER.index(header)
    for actual, said in zip(printed.splitlines(), FASTER[start:].splitlines(), strict=False):
        for cell, expected in zip(actual.split("|"), said.split("|"), strict=True):
            is_figure = re.fullmatch(r" *-?\d+\.\d *", expected)
            same = abs(float(cell) - float(expected)) < 0.25 if is_figure else cell == expected
            assert same, "the page's table is stale: `mbm-hw algorithms` prints\n" + printed


def test_the_cost_table_begins_as_the_command_prints_it(costing, capsys):
    """Errors, areas and delays of 8 bits: energies and look-up tables take minutes."""
    with pytest.raises(SystemExit):
        main(["cost", "mitchell8", "mbm8", "exact8", "--cache", str(costing.cache)])
    printed = capsys.readouterr().out.split("\n\n")[0]
    said = [_cells(line) for line in COST.splitlines() if line.startswith("|")]
    for row in map(_cells, printed.splitlines()):
        stale = "the page's table is stale: `mbm-hw cost` prints\n" + printed
        assert any(cells[: len(row)] == row for cells in said) or set("".join(row)) == {"-"}, stale


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def test_the_list_of_designs_is_what_the_command_prints(capsys):
    with pytest.raises(SystemExit):
        main(["verilog", "--list"])
    table = capsys.readouterr().out.strip()
    readme = (ROOT / "rtl/README.md").read_text()
    assert table in readme, "rtl/README.md is stale: `mbm-hw verilog --list` prints\n" + table


def test_the_modules_that_the_rtls_readme_instantiates_have_those_ports():
    readme = (ROOT / "rtl/README.md").read_text()
    instances = re.findall(r"```verilog\n(\w+) multiplier \((.*?)\);", readme, flags=re.DOTALL)
    assert len(instances) == 5
    for module, connections in instances:
        header = re.search(r"^module \w+\((.*)\);", (ROOT / f"rtl/{module}.v").read_text(), re.M)
        assert re.findall(r"\.(\w+)\(", connections) == header[1].split(", "), module


def test_the_fields_of_a_job_are_where_the_rtls_readme_says():
    readme = (ROOT / "rtl/README.md").read_text()
    start, fields = 0, []
    for first, second in zip(JOB.SIZES[::2], JOB.SIZES[1::2], strict=True):
        assert (JOB[first].offset, JOB[second].offset) == (start, start + 8)
        fields.append((f"[{start + 15}:{start}]", f"{first}, {second}"))
        start += 16
    fields += [(f"[{JOB[name].offset}]", name) for name in ("first", "last")]
    assert re.findall(r"^\| (\[[\d:]+\]) +\| ([a-z_, ]+?) +\|", readme, re.MULTILINE) == fields
    assert f"| jobs        | {JOB.size} " in readme


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_every_path_that_a_page_names_is_there(page):
    text = (ROOT / page).read_text()
    for path in re.findall(r"\b(?:models|rtl|sim|tests|mbm_hw)/[\w./]+\w", text):
        assert (ROOT / path).exists(), path


def test_the_page_of_study_files_has_every_key():
    page = PAGES["docs/reference/studies.md"]
    rows = {cells[0]: cells for line in page.splitlines() if len(cells := _cells(line)) > 1}
    keys = [f.name for f in fields(Study) if f.name not in ("names", "layers")]
    keys += [f"layers.{field.name}" for field in fields(Layers)]
    assert [key for key in keys if f"`{key}`" not in rows] == []
    assert set(ALGORITHMS) <= set(re.findall(r"`(\w+)`", rows["`algorithms`"][1]))
    assert set(QUANTIZERS) == set(re.findall(r"`(\w+)`", rows["`quantizer`"][1]))
    for name, kind in KINDS.items():
        said = re.findall(r"`(\w+)`", rows[f"`{name}`"][1])
        assert said == [field.name for field in fields(kind)], name


def test_the_site_is_built_and_all_its_links_lead_somewhere(tmp_path):
    """Broken links, missing anchors and pages outside the menu are errors. No page is remote."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", tmp_path]
    subprocess.run(command, check=True, cwd=ROOT)
    pages = "".join(path.read_text() for path in tmp_path.rglob("*.html"))
    assert re.findall(r"""<(?:script|img)[^>]* src="?https?:[^ >]*""", pages) == []
    assert re.findall(r"""<link rel="?stylesheet"? href="?https?:[^ >]*""", pages) == []
