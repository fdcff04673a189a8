"""The README's code runs, and its figures are those that the commands print."""

import re
from pathlib import Path

import pytest

from mbm_hw.cli import main
from mbm_hw.hdl.engine.parameters import JOB

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.filterwarnings("ignore::mbm_hw.nn.LeftExactWarning")
def test_the_readmes_python_runs_and_prints_what_it_says(capsys):
    twenty_lines, counted = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {}
    exec(compile(twenty_lines, "README.md", "exec"), names)
    printed = [float(line) for line in capsys.readouterr().out.split()]
    said = [float(n) for n in re.findall(r"print\(.*\) +# (-?[\d.]+):", twenty_lines)]
    assert len(said) == 2
    assert [round(value, 2) for value in printed] == said
    exec(compile(counted, "README.md", "exec"), names)
    table = capsys.readouterr().out.strip()
    assert " ".join(table.split()) in " ".join(README.split()), "the README's is not\n" + table


def test_the_error_table_is_what_the_command_prints(capsys):
    with pytest.raises(SystemExit):
        main(["errors", "--paper"])
    table = capsys.readouterr().out.strip()
    assert table in README, "the README's table is stale: `mbm-hw errors --paper` prints\n" + table


def test_the_algorithms_table_is_what_the_command_prints(capsys):
    """Decibels and percents to 0.2: torch's own float layers before it depend on the machine."""
    with pytest.raises(SystemExit):
        main(["algorithms"])
    printed = capsys.readouterr().out.strip()
    header = printed.splitlines()[0]
    assert header in README
    start = README.index(header)
    for actual, said in zip(printed.splitlines(), README[start:].splitlines(), strict=False):
        for cell, expected in zip(actual.split("|"), said.split("|"), strict=True):
            is_figure = re.fullmatch(r" *-?\d+\.\d *", expected)
            same = abs(float(cell) - float(expected)) < 0.25 if is_figure else cell == expected
            assert same, "the README's table is stale: `mbm-hw algorithms` prints\n" + printed


def test_the_cost_table_begins_as_the_command_prints_it(costing, capsys):
    """Errors, areas and delays of 8 bits: energies and look-up tables take minutes."""
    with pytest.raises(SystemExit):
        main(["cost", "mitchell8", "mbm8", "exact8", "--cache", str(costing.cache)])
    printed = capsys.readouterr().out.split("\n\n")[0]
    said = [_cells(line) for line in README.splitlines() if line.startswith("|")]
    for row in map(_cells, printed.splitlines()):
        stale = "the README's table is stale: `mbm-hw cost` prints\n" + printed
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


def test_every_path_that_the_readme_names_is_there():
    for path in re.findall(r"\b(?:models|rtl|sim|tests|mbm_hw)/[\w./]+\w", README):
        assert (ROOT / path).exists(), path
