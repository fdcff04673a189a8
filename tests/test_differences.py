"""A product table from elsewhere beside ours: how it differs, and both in one study."""

import json

import numpy as np
import pytest
from tiny_study import tiny_study

from mbm_hw.cli import main
from mbm_hw.multipliers import MBM, Exact, Table, product_table
from mbm_hw.multipliers.differences import product_difference
from mbm_hw.multipliers.table_files import read_table
from mbm_hw.studies.report import write_report
from mbm_hw.studies.results import write_results
from mbm_hw.studies.run import StudyRun


@pytest.fixture
def csv(tmp_path):
    """A table as the original study had it: `A,B,MBM`, 0 to 255; three entries differ."""
    table = product_table(MBM(8))
    table[3, 3], table[1, 7], table[255, 255] = 8, 0, 65281
    lines = [f"{a},{b},{product}" for (a, b), product in np.ndenumerate(table)]
    path = tmp_path / "original.csv"
    path.write_text("\n".join(["A,B,MBM", *lines]) + "\n")
    return path


def test_entries_that_differ_are_counted_and_the_largest_is_named(csv):
    difference = product_difference(read_table(csv), MBM(8))
    assert (difference.pairs, difference.differing, difference.largest) == (65536, 3, 257)
    assert (difference.a, difference.b) == (255, 255)
    assert (difference.product, difference.other_product) == (65281, 65024)
    signed = product_difference(read_table(csv, sign_magnitude=True), MBM(8, signed=True))
    assert (signed.pairs, signed.differing, signed.largest) == (65536, 8, 7)
    assert product_difference(MBM(8), Table(product_table(MBM(8)))).differing == 0
    with pytest.raises(ValueError, match="at most 67108864 are compared"):
        product_difference(MBM(16), Exact(16, signed=False))


def test_the_command_line_compares_a_table_with_a_named_multiplier(csv, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["errors", str(csv), "--against", "mbm8", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["against"], row["differing"], row["largest"]) == ("mbm8", 3, 257)
    with pytest.raises(SystemExit, match="2"):
        main(["errors", "--against", "mbm8"])


def test_the_original_fixed_point_and_table_are_studied_beside_ours(csv, tmp_path):
    """Fixed point of 1000 and +-255: 9-bit signed operands, or a table of magnitudes."""
    table = read_table(csv, sign_magnitude=True)
    study = tiny_study(tmp_path, specs=(table, MBM(9, signed=True)), quantizer="fixed")
    run = StudyRun(study, tmp_path / "results")
    rows = run.rows()
    write_results(run, rows)
    assert {row["spec"] for row in rows} >= {"exact9s", "mbm9s"}
    (found,) = json.loads((tmp_path / "results/summary.json").read_text())["errors"]["differences"]
    assert found["other"] == "mbm9s"
    text = write_report(tmp_path / "results").read_text(encoding="utf-8")
    assert f"in {found['differing']:,} of {511**2:,} products" in text
