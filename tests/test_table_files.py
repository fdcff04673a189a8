import numpy as np
import pytest

from mbm_hw.files import replacing
from mbm_hw.reference import product_table
from mbm_hw.spec import MBM, Exact, Mitchell, Table
from mbm_hw.table_files import read_table, write_table


@pytest.mark.parametrize("suffix", ["npy", "csv"])
@pytest.mark.parametrize("spec", [MBM(5), Mitchell(4, signed=True), MBM(8, signed=True)], ids=str)
def test_a_table_survives_its_file(spec, suffix, tmp_path):
    path = write_table(spec, tmp_path / f"table.{suffix}")
    assert read_table(path, signed=spec.signed) == Table(product_table(spec), signed=spec.signed)


@pytest.mark.parametrize("suffix", ["npy", "csv"])
def test_the_order_of_the_operands_survives(suffix, tmp_path):
    array = np.arange(16 * 16).reshape(16, 16)
    path = write_table(Table(array), tmp_path / f"table.{suffix}")
    assert np.array_equal(read_table(path).array, array)


def test_csv_lists_values_and_hex_lists_patterns(tmp_path):
    spec = Exact(4, signed=True)
    lines = write_table(spec, tmp_path / "t.csv").read_text().splitlines()
    assert lines[:2] == ["a,b,product", "0,0,0"]
    assert "-8,7,-56" in lines
    digits = write_table(spec, tmp_path / "t.hex").read_text().splitlines()
    assert len(digits) == 256
    assert digits[0x8 * 16 + 0x7] == f"{-56 & 0xFF:02x}"
    assert {len(d) for d in write_table(MBM(5), tmp_path / "t5.hex").read_text().split()} == {3}


def test_a_sign_magnitude_table_is_written_without_its_illegal_operand(tmp_path):
    spec = Table(product_table(MBM(4)), sign_magnitude=True)
    lines = write_table(spec, tmp_path / "t.csv").read_text().splitlines()
    assert len(lines) == 1 + 31**2


def test_the_original_studys_csv_can_be_read(tmp_path):
    path = tmp_path / "original.csv"
    rows = [(a, b, a * b) for b in range(16) for a in range(16)]
    path.write_text("A,B,MBM\n" + "".join(f"{a}, {b}, {p}\n" for a, b, p in rows))
    assert np.array_equal(read_table(path, sign_magnitude=True).array, product_table(Exact(4)))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "a,b,product\n0,0\n", "t.csv: a line must hold a,b,product, not 2 columns"),
        ("t.csv", "a,b,product\n0,0,0\n0,1,0\n", "must list 2..w by 2..w products, not 2"),
        ("t.csv", "a,b,p\n" + "0,0,0\n" * 16, "each pair .* once, not 0,0 repeatedly"),
        ("t.csv", "a,b,p\n" + "0,4,0\n" * 16, "operands must be 0 to 3, not 0,4"),
        ("t.csv", "a,b,p\n" + "0,x,0\n" * 16, "t.csv: could not convert"),
        ("t.npy", "not numpy", "t.npy: "),
        ("t.txt", "", "t.txt: a product table must end in .npy or .csv, not '.txt'"),
    ],
)
def test_bad_table_files_are_named(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / name)


def test_an_unknown_ending_and_a_wide_spec_write_nothing(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .npy, .csv, .hex, not '.txt'"):
        write_table(MBM(4), tmp_path / "t.txt")
    with pytest.raises(ValueError, match="at most 12 bits"):
        write_table(MBM(16), tmp_path / "t.npy")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    with replacing(path) as file:
        file.write("old")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]
