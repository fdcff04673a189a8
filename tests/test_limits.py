"""Numbers and files beyond a limit are refused at once, by a message that has the limit."""

import tracemalloc
import zipfile

import numpy as np
import pytest
import torch
from test_cli import call

from mbm_hw.multipliers import MBM
from mbm_hw.multipliers.differences import product_difference
from mbm_hw.multipliers.errors import error_metrics
from mbm_hw.multipliers.table_files import read_table
from mbm_hw.studies.checkpoints import read_checkpoint

THIRTY_NINES = "9" * 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["errors", "mbm8", "--samples", THIRTY_NINES], "is not in the range 1<=x<=68719476736"),
        (["errors", "mbm32", "--against", "mbm32"], "at most 67108864 are compared"),
        (["errors", f"mbm{THIRTY_NINES}"], f"width must be an integer 4 to 32, not {THIRTY_NINES}"),
        (["errors", f"mbm8_t{THIRTY_NINES}"], "truncation must be an integer 0 to 6, not 999"),
        (["errors", f"mbm_e{THIRTY_NINES}m3"], "exponent_bits must be an integer 2 to 8, not 999"),
        (["errors", "mbm\u0668"], "no multiplier is called 'mbm\u0668'"),
        (["verilog", f"mbm8s_dot{THIRTY_NINES}"], "lanes must be an integer 1 to 256, not 999"),
        (["verilog", f"mbm8_p{THIRTY_NINES}"], "pipeline must be an integer 0 to 4, not 999"),
        (["verilog", "mbm8", "--pipeline", THIRTY_NINES], "is not in the range 1<=x<=4"),
        (["ops", "x", "--input", f"{THIRTY_NINES}x1"], ", at most 16384 each"),
        (["ops", "x", "--input", "9999x9999"], "must be [height, width] of at most 16777216 pix"),
        (["study", "run", "x.yaml", "--shard", f"1/{THIRTY_NINES}"], "of at most 999999, such as"),
        (["study", "run", "x.yaml", "--workers", THIRTY_NINES], "is not in the range 1<=x<=1024"),
    ],
)
def test_numbers_beyond_a_limit_are_one_line_with_the_limit(arguments, message, capsys):
    status, out, err = call(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_the_api_has_the_limits_of_the_command_line():
    with pytest.raises(
        ValueError, match=r"samples must be an integer 1 to 68719476736, not 10{30}"
    ):
        error_metrics(MBM(8), samples=10**30)
    tracemalloc.start()
    with pytest.raises(ValueError, match="at most 67108864 are compared"):
        product_difference(MBM(32), MBM(32))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((10**6, 10**6), "mmap length is greater than"),
        ((8192, 8192), r"must be \[2\*\*w, 2\*\*w\]"),
    ],
)
def test_a_table_that_claims_to_be_large_takes_no_memory(shape, message, tmp_path):
    path = tmp_path / "large.npy"
    with open(path, "wb") as file:
        header = {"descr": "<i8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        if shape[0] < 10**4:
            file.truncate(file.tell() + 8 * shape[0] * shape[1])  # a file of holes
    tracemalloc.start()
    with pytest.raises(ValueError, match=rf"large\.npy: .*{message}"):
        read_table(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_table_of_too_many_lines_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("mbm_hw.multipliers.table_files.MAX_PRODUCTS", 64)
    path = tmp_path / "long.csv"
    path.write_text("a,b,product\n" + "0,0,0\n" * 65 + "no number\n")
    with pytest.raises(ValueError, match=r"long\.csv: the lines must list at most 64 products"):
        read_table(path)


def test_a_checkpoint_that_unpacks_to_more_than_its_size_is_refused(tmp_path):
    plain, packed = tmp_path / "plain.pt", tmp_path / "packed.pt"
    torch.save({"weight": torch.zeros(1 << 20)}, plain)
    assert read_checkpoint(plain)["weight"].shape == (1 << 20,)
    with (
        zipfile.ZipFile(plain) as archive,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as repacked,
    ):
        for member in archive.infolist():
            repacked.writestr(member.filename, archive.read(member))
    message = r"packed\.pt must hold .*, without compression: \d+ bytes may not unpack to 41\d+"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(packed)


def test_without_memory_the_command_line_says_so(capsys, monkeypatch):
    def take(*arguments):
        raise MemoryError("Unable to allocate 1 TiB")

    monkeypatch.setattr("mbm_hw.cli.multipliers.named_spec", take)
    status, _, err = call(capsys, "table", "mbm8", "-o", "t.npy")
    assert (status, err) == (2, "mbm-hw: there is not enough memory: Unable to allocate 1 TiB\n")
