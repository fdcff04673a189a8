"""The README's code runs, and its figures are those that the commands print."""

import re
from pathlib import Path

import pytest

from mbm_hw.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_readmes_python_runs_and_prints_what_it_says(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    printed = [float(line) for line in capsys.readouterr().out.split()]
    said = [float(n) for n in re.findall(r"print\(.*\) +# (-?[\d.]+):", block)]
    assert len(said) == 2
    assert [round(value, 2) for value in printed] == said


def test_the_error_table_is_what_the_command_prints(capsys):
    with pytest.raises(SystemExit):
        main(["errors", "--paper"])
    table = capsys.readouterr().out.strip()
    assert table in README, "the README's table is stale: `mbm-hw errors --paper` prints\n" + table


def test_the_list_of_designs_is_what_the_command_prints(capsys):
    with pytest.raises(SystemExit):
        main(["verilog", "--list"])
    table = capsys.readouterr().out.strip()
    readme = (ROOT / "rtl/README.md").read_text()
    assert table in readme, "rtl/README.md is stale: `mbm-hw verilog --list` prints\n" + table


def test_the_modules_that_the_rtls_readme_instantiates_have_those_ports():
    readme = (ROOT / "rtl/README.md").read_text()
    instances = re.findall(r"```verilog\n(\w+) multiplier \((.*?)\);", readme, flags=re.DOTALL)
    assert len(instances) == 4
    for module, connections in instances:
        header = re.search(r"^module \w+\((.*)\);", (ROOT / f"rtl/{module}.v").read_text(), re.M)
        assert re.findall(r"\.(\w+)\(", connections) == header[1].split(", "), module


def test_every_path_that_the_readme_names_is_there():
    for path in re.findall(r"\b(?:models|rtl|sim|tests|mbm_hw)/[\w./]+\w", README):
        assert (ROOT / path).exists(), path
