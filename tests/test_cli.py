import csv
import io
import json

import numpy as np
import pytest

from mbm_hw.cli import main, multipliers
from mbm_hw.multipliers import MBM, product_table


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return exit_.value.code, captured.out, captured.err


@pytest.mark.parametrize(
    "command",
    [
        "",
        "verilog",
        "table",
        "errors",
        "check",
        "ops",
        "algorithms",
        "study run",
        "study merge",
        "report",
    ],
)
def test_every_command_explains_itself(capsys, command):
    status, out, _ = call(capsys, *command.split(), "--help")
    assert status == 0
    assert out.startswith("Usage: mbm-hw")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (
            ["errors", "mbm9x"],
            "no multiplier is called 'mbm9x'; did you mean mbm8?; known ",
        ),
        (["errors", "mbm40"], "MBM: width must be an integer 4 to 32, not 40"),
        (["errors", "mbm8", "--samples", "0"], "'--samples': 0 is not in the range"),
        (["errors", "absent.csv"], "absent.csv"),
        (["errors", "empty.npy"], "empty.npy: it is empty, not a NumPy array"),
        (["errors", "t.NPY"], "t.NPY: a product table must end in .npy, .npz or .csv, not '.NPY'"),
        (["errors", "mbm8", "t.txt"], "t.txt: a product table must end in .npy, .npz or .csv"),
        (["errors", "folder/table"], "folder/table: a product table must end in .npy, .npz or"),
        (["errors", "rows.csv"], "rows.csv: it has no header: its first line must name the"),
        (["errors", "mbm8", "--against", "empty.npy"], "empty.npy: it is empty"),
        (["errors", "mbm8", "--against", "mbm_bf16"], "mbm_bf16 is a float spec"),
        (["errors", "mbm8", "--against", "mbm8", "--samples", "9"], "counts every pair"),
        (["table", "empty.npy", "-o", "t.npy"], "empty.npy: it is empty"),
        (["table", "mbm8", "--signed", "-o", "t.npy"], "say what a table file holds"),
        (["verilog", "empty.npy"], "empty.npy: it is empty"),
        (["verilog", "t.txt"], "t.txt: a product table must end in .npy, .npz or .csv"),
        (["errors", "--paper", "mbm8"], "--paper lists its own designs"),
        (["errors", "--published", "x.csv", "mbm8"], "--published lists its own designs"),
        (["errors", "--published", "x.csv", "--paper"], "give one of --paper, --published and"),
        (["errors", "--published", "--include-zeros"], "--published counts pairs as each paper"),
        (["errors", "--published", "x.csv", "--samples", "9"], "--published counts every pair"),
        (["errors", "--published", "absent.csv"], "absent.csv: No such file or directory"),
        (["table", "mbm16", "-o", "t.npy"], "a product table takes at most 12 bits"),
        (["table", "mbm8", "-o", "t.txt"], "must end in .npy, .csv, .hex"),
        (["table", "mbm8"], "Missing option '-o'"),
        (["table", "mbm_bf16", "-o", "t.npy"], "mbm_bf16 is a float spec"),
        (["table", "mbm4s", "-o", "/proc/t.npy"], "/proc/t.npy: No such file or directory"),
        (["verilog"], "give a SPEC, or --all FOLDER"),
        (["verilog", "mbm8", "--pipeline", "9"], "9 is not in the range"),
        (["verilog", "mbm8s_mac", "--stream"], "mbm8s_mac has no streams"),
        (["verilog", "mbm8s_p2", "--pipeline", "2"], "mbm8s_p2 says its stages itself"),
        (["verilog", "mbm8", "--signed"], "a signed multiplier's name has an s, as mbm8s"),
        (["verilog", "--all", "out", "--pipeline", "2"], "--all writes the designs of rtl/ as"),
        (["errors", "mbm8", "--sign-magnitude"], "say what a table file holds"),
        (["verilog", "mbm8", "--name", "2 bad"], "2 bad"),
        (["verilog", "mbm8", "-o", "file/x.v"], "file"),
        (["ops", "absent", "--models", "."], "no network is called 'absent' in ."),
        (["ops", "absent.py:net"], "absent.py:net: there is no file absent.py"),
        (["ops", "net", "--input", "480"], "480x640, at most 16384 each, not '480'"),
        (["study", "run"], "Missing argument"),
        (["study", "run", "absent.yaml"], "absent.yaml: No such file or directory"),
        (["study", "run", "bad.yaml"], "bad.yaml: a study has no key 'netwrok'; known: name"),
        (["study", "run", "bad.yaml", "--data", "absent"], "--data must be a folder, not absent"),
        (["study", "run", "x.yaml", "--shard", "4/3"], "as 2/3, not '4/3'"),
        (["study", "run", "x.yaml", "--shard", "2"], "as 2/3, not '2'"),
        (["study", "run", "x.yaml", "--workers", "0"], "'--workers': 0 is not in the range"),
        (["study", "run", "x.yaml", "--device", "tpu"], "'tpu' is not one of 'cpu', 'cuda'"),
        (
            ["study", "run", "bad.yaml", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"],
            "give --workers or --scheduler, not both",
        ),
        (["study", "merge", "x.yaml"], "Missing argument 'STORES...'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "bad.yaml").write_text("netwrok: x\n")
    (tmp_path / "empty.npy").write_text("")
    (tmp_path / "rows.csv").write_text("0,0,0\n" * 16)
    before = sorted(tmp_path.rglob("*"))
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("mbm-hw: ")
    assert message in err
    assert sorted(tmp_path.rglob("*")) == before, "nothing is half-written"


def test_a_file_that_ends_too_early_is_no_interruption(capsys, monkeypatch):
    """Click calls any EOFError an abort, as if a terminal's input had ended."""

    def fail(*arguments):
        raise EOFError("No data left in file")

    monkeypatch.setattr(multipliers, "named_spec", fail)
    status, _, err = call(capsys, "errors", "mbm8")
    assert (status, err) == (2, "mbm-hw: a file ends too early: No data left in file\n")


def test_errors_print_a_table_json_and_csv(capsys):
    status, out, _ = call(capsys, "errors", "mbm8", "mitchell8s")
    assert status == 0
    assert "| mbm8" in out
    rows = json.loads(call(capsys, "errors", "mbm8", "--json")[1])
    assert round(rows[0]["bias"], 4) == 0.0494
    row = next(csv.DictReader(io.StringIO(call(capsys, "errors", "mbm8", "--csv")[1])))
    assert row["multiplier"] == "mbm8"
    assert float(row["mred"]) == rows[0]["mred"]


def test_errors_of_a_table_file(capsys, tmp_path):
    path = tmp_path / "t.csv"
    assert call(capsys, "table", "mbm8s", "-o", path)[0] == 0
    rows = json.loads(call(capsys, "errors", path, "mbm8s", "--signed", "--json")[1])
    assert rows[0] | {"multiplier": ""} == rows[1] | {"multiplier": ""}


def test_include_zeros_changes_the_relative_metrics_alone(capsys):
    rows = [
        json.loads(call(capsys, "errors", "mbm8", "--json", *more)[1])[0]
        for more in ((), ("--include-zeros",))
    ]
    changed = {name for name in rows[0] if rows[0][name] != rows[1][name]}
    assert changed == {"bias", "mred", "variance", "relative_pairs"}
    assert [row["relative_pairs"] for row in rows] == [255**2, 256**2]
    assert " ".join(call(capsys, "errors", "--help")[1].split()).count(
        "Absolute metrics (med, nmed, wce, mse, error_rate) always count every pair."
    )


def test_wide_columns_have_six_digits(capsys):
    out = call(capsys, "errors", "mbm32", "--samples", 4096)[1]
    assert "e+34 |" in out
    assert max(len(cell) for cell in out.splitlines()[2].split("|")) < 20


def test_a_table_file_is_written_as_another(capsys, tmp_path):
    signed = product_table(MBM(4, signed=True))
    np.savez(tmp_path / "t.npz", table=signed)
    assert call(capsys, "table", tmp_path / "t.npz", "--signed", "-o", tmp_path / "t.npy")[0] == 0
    assert np.array_equal(np.load(tmp_path / "t.npy"), signed)


def test_the_papers_table_names_both_figures(capsys):
    rows = json.loads(call(capsys, "errors", "--paper", "--samples", 4096, "--json")[1])
    assert [row["multiplier"] for row in rows][:3] == ["mbm8", "mitchell8", "mbm16"]
    assert rows[0]["paper's mean"] == 2.69
    assert round(rows[0]["mean"], 2) == 2.69


def test_the_figures_of_all_papers_are_printed_beside_ours(capsys):
    rows = json.loads(call(capsys, "errors", "--published", "--samples", 4096, "--json")[1])
    drum = next(row for row in rows if row["multiplier"] == "drum16_k6")
    assert (drum["paper's mean"], drum["paper's peak"]) == (1.47, 6.31)
    assert drum["mean"] == pytest.approx(1.47, abs=0.1)
    assert drum["source"] == "Hashemi, Bahar, Reda, ICCAD 2015"
    assert rows[0]["multiplier"] == "mbm8"


def test_a_table_is_written(capsys, tmp_path):
    status, out, _ = call(capsys, "table", "mbm8", "-o", tmp_path / "t.npy")
    assert (status, out) == (0, f"wrote {tmp_path / 't.npy'}\n")
    assert np.array_equal(np.load(tmp_path / "t.npy"), product_table(MBM(8)))


def test_verilog_is_printed_or_written(capsys, tmp_path):
    status, out, _ = call(capsys, "verilog", "mbm8s", "--pipeline", 2)
    assert status == 0
    assert "module mbm8s_p2(" in out
    assert call(capsys, "verilog", "mbm8s", "--pipeline", 2, "-o", tmp_path / "x.v")[0] == 0
    assert (tmp_path / "x.v").read_text() == out
    out = call(capsys, "verilog", "mbm_bf16", "--pipeline", 4, "--stream")[1]
    assert "module mbm_bf16_lsb_p4_stream(clk, rst, a, b, operands_valid, " in out


def test_a_template_instantiates_the_module(capsys):
    status, out, _ = call(capsys, "verilog", "mbm8s", "--pipeline", 2, "--template")
    assert status == 0
    assert out.splitlines()[-8:] == [
        *("mbm8s_p2 mbm8s_p2_0 (", "  .clk(clk),", "  .rst(rst),", "  .en(en),", "  .a(a),"),
        *("  .b(b),", "  .product(product)", ");"),
    ]
    for name in ("mbm8s_p2", "mbm8s_stream", "mbm12s_t3_dot2_acc40_p1"):
        assert f"\n{name} {name}_0 (\n" in call(capsys, "verilog", name, "--template")[1]
    out = call(capsys, "verilog", "mbm8s_dot4", "--name", "unit", "--template")[1]
    assert "wire [31:0] sum;\nwire overflow;\nunit unit_0 (\n  .clk(clk),\n" in out


def test_a_table_file_becomes_verilog(capsys, tmp_path):
    np.save(tmp_path / "t.npy", np.arange(16).reshape(4, 4) % 8)
    out = call(capsys, "verilog", tmp_path / "t.npy", "--sign-magnitude", "--name", "mine")[1]
    assert "module mine(a, b, product);" in out
    assert out.startswith("// mine: Table(width=3, signed=True, sign_magnitude=True, sha256=")


def test_the_contents_of_a_wide_table_are_written_beside_it(capsys, tmp_path):
    np.save(tmp_path / "t.npy", np.zeros((512, 512), int))
    table = tmp_path / "t.npy"
    _, out, _ = call(capsys, "verilog", table, "--sign-magnitude", "-o", tmp_path / "t.v")
    (contents,) = tmp_path.glob("table9_*.hex")
    assert out == f"wrote {tmp_path / 't.v'}\nwrote {contents}, which it reads\n"
    assert f'$readmemh("{contents.name}", products)' in (tmp_path / "t.v").read_text()
    assert len(contents.read_text().split()) == 4**9
    _, _, error = call(capsys, "verilog", table, "--sign-magnitude")
    assert error == f"it reads {contents.name}, which -o writes beside it\n"
