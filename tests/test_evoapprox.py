"""The figures that a library publishes of its circuits are ours, to the printed digits."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from mbm_hw.cli import main
from mbm_hw.multipliers import Exact, product_table
from mbm_hw.multipliers.evoapprox import published_figures

DATA = Path(os.environ.get("MBM_HW_DATA", Path(__file__).parents[1] / "../shared/data"))
EVOAPPROX = DATA / "evoapprox" / "published.csv"
COLUMNS = "name,signed,MAE%,MAE,WCE%,WCE,WCRE%,EP%,MRE%,MSE"


@pytest.fixture
def library(tmp_path):
    """Two 4-bit circuits, worked out by hand: 3 x 2 is 8 in one, 0 x 5 and -8 x 7 off in the other.

    Of 256 pairs, 225 have an exact product that is not 0.
    """
    unsigned = product_table(Exact(4))
    unsigned[3, 2] += 2
    signed = product_table(Exact(4, signed=True))
    signed[0, 5] += 4
    signed[8, 7] += 14
    np.savez(tmp_path / "one.npz", table=unsigned)
    np.save(tmp_path / "two.npy", signed)
    path = tmp_path / "figures.csv"
    path.write_text(
        f"{COLUMNS},area\n"
        "one,False,0.0031,0.008,0.781,2,33.333,0.391,0.1481,0.01562,700\n"
        "two,True,0.03,0.07,5.47,14.0,25,0.78,0.11,8.3e-1,700\n"
    )
    return path


def test_a_librarys_figures_are_laid_beside_ours(library):
    rows = list(published_figures(library))
    assert [row["figure"] for row in rows] == COLUMNS.split(",")[2:] * 2
    assert {row["figure"]: row["ours"] for row in rows[:8]} == {
        "MAE%": "0.0031",  # 100 * 2 / 256 / 2**8
        "MAE": "0.008",  # 2 / 256
        "WCE%": "0.781",  # 100 * 2 / 2**8
        "WCE": "2",
        "WCRE%": "33.333",  # 2 of 6
        "EP%": "0.391",  # 1 of 256
        "MRE%": "0.1481",  # 100 / 3 / 225
        "MSE": "0.01562",  # 4 / 256, half to even
    }
    assert all(row["agrees"] for row in rows)
    assert rows[3]["unrounded"] == 2


def test_a_figure_that_is_not_ours_is_shown(library):
    library.write_text(library.read_text().replace("0.391", "0.392"))
    assert [row["figure"] for row in published_figures(library) if not row["agrees"]] == ["EP%"]


def test_the_command_prints_the_digits_as_they_are(library, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["errors", "--published", str(library)])
    printed = capsys.readouterr().out
    assert "| two          | MSE      | 8.3e-1      | 0.83    | True     |      0.8281 |" in printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,MAE\none,1\n", "figures.csv: it must have columns name, signed and any of "),
        ("name,signed,area\none,True,7\n", "it must have columns name, signed and any of "),
        ("", "figures.csv: it is empty, not text"),
        ("\0", "figures.csv: it is binary data, not text"),
        ("name,signed,MAE\none,yes,1\n", "signed of one must be True or False, not 'yes'"),
        ("name,signed,MAE\none,False,x\n", "MAE of one must be a number, not 'x'"),
        ("name,signed,MAE\nthree,False,1\n", "three.csv: No such file or directory"),
        ("name,signed,MAE\ntwo,False,1\n", "two.npy: Table: array.1, 8. must be 0 to 255"),
    ],
)
def test_figures_that_cannot_be_compared_are_one_line_and_status_2(library, text, message, capsys):
    library.write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["errors", "--published", str(library)])
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error), error


@pytest.mark.skipif(not EVOAPPROX.exists(), reason=f"no {EVOAPPROX}; set MBM_HW_DATA")
def test_the_published_figures_of_seven_circuits_come_out_to_the_printed_digits(capsys):
    """All but one: a MAE of 1.25 is 0.0019 % of 2**16; 0.0018 % is that of the printed 1.2."""
    with pytest.raises(SystemExit, match="0"):
        main(["errors", "--published", str(EVOAPPROX), "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 7 * 8
    others = [row for row in rows if not row["agrees"]]
    assert [(row["multiplier"], row["figure"]) for row in others] == [("mul8s_1KVA", "MAE%")]
    assert (others[0]["published"], others[0]["unrounded"]) == ("0.0018", 100 * 1.25 / 2**16)
