import contextlib
import gzip
import io
import os
import pickle
import random

import numpy as np
import pytest

from mbm_hw.multipliers import MBM, Exact, Mitchell, Table, product_table, table_files
from mbm_hw.multipliers.table_files import named_spec, read_table, write_table
from mbm_hw.system.files import replacing


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


PRODUCTS = product_table(MBM(4))
LINES = [f"{a},{b},{product}" for (a, b), product in np.ndenumerate(PRODUCTS)]


def written(path, header, lines=LINES):
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("b,a,product", (1, 0, 2)),
        ("product,a,b", (2, 0, 1)),
        ("P, B, A", (2, 1, 0)),
        ("A,B,MBM", (0, 1, 2)),
        ('"a","product","b"', (0, 2, 1)),
        ("\ufeffa,b,product", (0, 1, 2)),
    ],
)
def test_the_header_names_the_columns_in_any_order(header, order, tmp_path):
    array = np.arange(16 * 16).reshape(16, 16)
    rows = [(a, b, product) for (a, b), product in np.ndenumerate(array)]
    lines = [",".join(str(row[column]) for column in order) for row in rows]
    path = written(tmp_path / "t.csv", header, reversed(lines))
    assert np.array_equal(read_table(path).array, array)


HEADER = r"t.csv: its header must name the columns a, b and product \(or p, mbm\), not "
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.mark.parametrize(
    ("header", "lines", "message"),
    [
        ("x,y,z", LINES, HEADER + "'x,y,z'"),
        ("a,b", LINES, HEADER + "'a,b'"),
        ("a,a,product", LINES, HEADER + "'a,a,product'"),
        ("a,b,product,p", LINES, HEADER + "'a,b,product,p'"),
        ("a;b;product", LINES, HEADER + "'a;b;product'"),
        (LINES[0], LINES[1:], "it has no header: its first line must name the columns a, b and p"),
        ("a,b,product", [], "t.csv: no line follows its header"),
        ("a,b,product", LINES[:99] + LINES[100:], "the pair of operands 6,3 is missing: 16..2 l"),
        ("b,a,product", LINES[:99] + LINES[100:], "the pair of operands 3,6 is missing"),
        ("a,b,product", [*LINES[:-1], LINES[0]], "each pair .* once, not 0,0 repeatedly"),
        ("a,b,product", [*LINES, LINES[0]], "each pair .* once, not 0,0 repeatedly"),
        ("a,b,product", [*LINES[:-1], "0,16,0"], "operands must be 0 to 15 in 256 lines, not 0,16"),
        ("a,b,product", ["0,0", *LINES[1:]], "t.csv: line 2 must hold three integers, not '0,0'"),
        ("a,b,product", ["0,0"] * 16, "line 2 must hold three integers, not '0,0'"),
        ("a,b,product", [*LINES[:7], "0,x,0"], "line 9 must hold three integers, not '0,x,0'"),
        ("a,b,product", ["0,0,1.5"], "line 2 must hold three integers, not '0,0,1.5'"),
        (
            "a,b,product",
            ["0,0," + "9" * 999],
            r"line 2 must hold .*, not '0,0,99*\.\.\.",
        ),
        ("a,b,product", ["0,0,\uff11"], "line 2 must hold three integers"),
        ("a,b,product", ["0,0,256", *LINES[1:]], r"array\[0, 0\] must be 0 to 255, not 256"),
        (LFS, [], r"it is a git-lfs pointer \(`git lfs pull` gets the file\), not text"),
        ("\0\1", [], "it is binary data, not text"),
        ("<!DOCTYPE html>", [], "it is a web page, not text"),
    ],
)
def test_a_csv_that_is_no_product_table_says_what_it_is(header, lines, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_table(written(tmp_path / "t.csv", header, lines))


def test_a_missing_pair_of_signed_operands_is_named_in_values(tmp_path):
    path = write_table(MBM(4, signed=True), tmp_path / "t.csv")
    path.write_text("".join(line for line in path.open() if not line.startswith("-8,-1,")))
    with pytest.raises(ValueError, match="the pair of operands -8,-1 is missing"):
        read_table(path, signed=True)


def bytes_of(save, *arrays):
    file = io.BytesIO()
    save(file, *arrays)
    return file.getvalue()


NPY, NPZ = bytes_of(np.save, PRODUCTS), bytes_of(np.savez, PRODUCTS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.npy", b"", "t.npy: it is empty, not a NumPy array"),
        ("t.npz", b"", "t.npz: it is empty, not a zip archive"),
        ("t.npy", b"not numpy", "t.npy: it is text, not a NumPy array"),
        ("t.npy", LFS.encode(), "it is a git-lfs pointer .*, not a NumPy array"),
        ("t.npy", pickle.dumps([1]), "it is a Python pickle, not a NumPy array"),
        ("t.npy", NPZ, "it is a zip archive, not a NumPy array"),
        ("t.npz", NPY, "it is a NumPy array, not a zip archive"),
        ("t.csv", NPY, "it is a NumPy array, not text"),
        ("t.npy", gzip.compress(NPY), "it is gzip data, not a NumPy array"),
        ("t.npy", NPY[:999], "it is damaged or holds no integers: 'mmap length is greater"),
        ("t.npy", NPY[:50], "it is damaged or holds no integers: 'EOF: reading array header"),
        ("t.npy", NPY[:70] + b"(" + NPY[71:], "it is damaged or holds no integers"),
        ("t.npz", NPZ[:999], "it is damaged or holds no integers: 'File is not a zip file'"),
        ("t.npz", NPZ[:200] + b"?" + NPZ[201:], "it is damaged or holds no integers: .Bad CRC"),
        ("t.npz", bytes_of(np.savez), "it must hold one array, not 0"),
        ("t.npz", bytes_of(np.savez, [1], [2]), "it must hold one array, not 2"),
        (
            "t.npy",
            bytes_of(np.save, np.array([{}])),
            "Array can't be memory-mapped: Python objects",
        ),
        ("t.npy", bytes_of(np.save, np.ones((4, 4))), "array must hold integers, not float64"),
        ("t.txt", b"", "t.txt: a product table must end in .npy, .npz or .csv, not '.txt'"),
        ("t.NPY", NPY, "t.NPY: a product table must end in .npy, .npz or .csv, not '.NPY'"),
        ("t", NPY, "t: a product table must end in .npy, .npz or .csv, not ''"),
    ],
)
def test_a_file_that_is_no_product_table_says_what_it_is(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_table(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_npz_with_one_array_is_a_table_whatever_its_name(save, tmp_path):
    save(tmp_path / "t.npz", table=PRODUCTS.astype(np.int32))
    assert read_table(tmp_path / "t.npz") == Table(PRODUCTS)


def test_an_archive_that_unpacks_to_gigabytes_is_refused_before(tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "MAX_BYTES", 1000)
    np.savez_compressed(tmp_path / "t.npz", PRODUCTS)
    assert (tmp_path / "t.npz").stat().st_size < 1000
    with pytest.raises(ValueError, match="takes at most 1000 bytes, not 2176"):
        read_table(tmp_path / "t.npz")
    np.save(tmp_path / "t.npy", PRODUCTS)
    with pytest.raises(ValueError, match="takes at most 1000 bytes, not 2176"):
        read_table(tmp_path / "t.npy")


def test_damaged_bytes_are_never_another_error(tmp_path):
    generator = random.Random(0)
    for content, name in ((NPY, "t.npy"), (NPZ, "t.npz"), ("\n".join(LINES).encode(), "t.csv")):
        for _ in range(150):
            damaged = bytearray(content[: generator.choice([None, generator.randrange(999)])])
            for _ in range(generator.randrange(1, 9)):
                damaged[generator.randrange(min(len(damaged), 250)) :][:1] = b""
                at = generator.randrange(min(len(damaged), 250) + 1)
                damaged[at : at + 1] = bytes([generator.randrange(256)])
            (tmp_path / name).write_bytes(damaged)
            with contextlib.suppress(ValueError):
                read_table(tmp_path / name)


def test_folders_and_pipes_are_not_opened(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(ValueError, match="it is a folder, not a NumPy array"):
        read_table(tmp_path / "folder.npy")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ValueError, match="it is a pipe or a device, not text"):
        read_table(tmp_path / "pipe.csv")


def test_a_name_is_no_file_and_a_file_is_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mbm8").mkdir()
    np.save("t.npy", PRODUCTS)
    assert named_spec("mbm8") == MBM(8)
    assert named_spec("t.npy") == named_spec("./t.npy") == Table(PRODUCTS)
    with pytest.raises(ValueError, match=r"mbm8.v: a product table must end in .npy, .npz or"):
        named_spec("mbm8.v")
    with pytest.raises(ValueError, match="no multiplier is called 'table'"):
        named_spec("table")
    with pytest.raises(FileNotFoundError):
        named_spec("absent.csv")


def test_a_table_is_written_by_its_name(tmp_path):
    assert read_table(write_table("mbm4", tmp_path / "t.npy")) == Table(PRODUCTS)
    with pytest.raises(TypeError, match="write_table takes an integer spec, not FloatMBM"):
        write_table("mbm_bf16", tmp_path / "f.npy")
    with pytest.raises(TypeError, match=r"spec must be a multiplier spec such as .*, not 4"):
        write_table(4, tmp_path / "f.npy")
    assert not (tmp_path / "f.npy").exists()


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
