"""The README's code runs, and its figures are those that the commands print."""

import re
from pathlib import Path

import pytest

from mbm_hw.cli import main

README = (Path(__file__).parent.parent / "README.md").read_text()


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


def test_every_path_that_the_readme_names_is_there():
    root = Path(__file__).parent.parent
    for path in re.findall(r"\b(?:models|rtl|sim|tests|mbm_hw)/[\w./]+\w", README):
        assert (root / path).exists(), path
