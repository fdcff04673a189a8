"""Shards of a study, put together: the same rows as those of the study run whole."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
import torch
from test_cli import call
from test_data import write_cifar
from tiny_study import CASES, tiny_study, tiny_study_file

from mbm_hw.multipliers import Mitchell
from mbm_hw.studies.batch import MEASURED
from mbm_hw.studies.data import load_data
from mbm_hw.studies.description import Layers, read_study
from mbm_hw.studies.identity import study_identity
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.shards import Shard, missing, read_shards
from mbm_hw.studies.store import Store

IMAGES = 30


def rows_without_measures(folder):
    rows = json.loads((folder / "rows.json").read_text())
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in rows]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_every_unit_is_in_one_shard_and_shards_have_alike_much_to_do(tmp_path, count):
    run = StudyRun(tiny_study(tmp_path), tmp_path)
    shards = [Shard(index, count).units(run) for index in range(1, count + 1)]
    together = [unit for units in shards for unit in units]
    assert sorted(map(str, together)) == sorted(map(str, run.units))
    assert [u.images.start for u in together] == sorted(u.images.start for u in run.units)

    def cost(unit):
        total = sum(run.multiplications.values())
        return len(unit.images) * (total + sum(run.multiplications[n] for n in unit.case.layers))

    costs = [sum(map(cost, units)) for units in shards]
    largest = max(map(cost, run.units))
    assert all(abs(c - sum(costs) / count) <= largest for c in costs), costs


def kill_in_mid_run(command, database, least=20):
    """Start the command; kill -9 once `least` rows are in the store; return how many."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not (database.is_file() and row_count(database) > least):
            time.sleep(0.01)
    finally:
        process.kill()
    process.stdout.read()  # ends with the last process of the study's group
    assert process.wait() == -signal.SIGKILL, "the study ended before it could be killed"
    return row_count(database)


def row_count(path):
    with closing(Store(path)) as store:
        return len(store)


def test_three_shards_one_of_them_killed_merge_to_the_rows_of_the_whole(tmp_path, capsys):
    study = tiny_study_file(tmp_path, IMAGES)
    whole, parts, merged = (tmp_path / name for name in ("whole", "parts", "merged"))
    run = ["study", "run", str(study), "--results"]
    stores = [parts / f"tiny/shard{i}of3.sqlite" for i in (3, 1, 2, 2)]
    merge = ["study", "merge", study, *stores, "--results"]

    def succeed(*arguments):
        status, _, err = call(capsys, *arguments)
        assert status == 0, err
        return err

    succeed(*run, whole)
    for shard in ("1/3", "3/3"):
        succeed(*run, parts, "--shard", shard)
    command = [sys.executable, "-m", "mbm_hw", *run, str(parts), "--shard", "2/3"]
    kept = kill_in_mid_run(command, stores[-1])

    status, out, err = call(capsys, *merge, tmp_path / "incomplete")
    assert (status, out) == (2, "")
    note, err = err.splitlines()
    assert note.endswith("changed nothing: the weights are the factory's")
    lost = CASES * IMAGES // 3 - kept
    assert f"tiny: images are missing (shard 2/3: {lost} from image " in err
    assert "to image 19 of mbm8s in 4); those that are there are in " in err
    results = tmp_path / "incomplete/tiny"
    assert [path.name for path in results.iterdir()] == ["study.sqlite"], "no tables of a part"
    assert row_count(results / "study.sqlite") == CASES * IMAGES - lost
    succeed(*run, tmp_path / "incomplete")
    assert rows_without_measures(results) == rows_without_measures(whole / "tiny")

    message = f"shard 2/3 is done, {CASES * IMAGES // 3} of {CASES * IMAGES} images in "
    assert message in succeed(*run, parts, "--shard", "2/3")
    assert {path.suffix for path in stores[0].parent.iterdir()} == {".sqlite"}
    succeed(*merge, merged)
    assert rows_without_measures(merged / "tiny") == rows_without_measures(whole / "tiny")
    assert row_count(merged / "tiny/study.sqlite") == CASES * IMAGES
    files = [{path.name for path in (folder / "tiny").iterdir()} for folder in (merged, whole)]
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 4}, "its batch is 4, not 3"),
        ({"quantizer": "percentile"}, "its quantizer is Symmetric(percentile=99.99), not "),
        ({"specs": (Mitchell(8, signed=True),)}, "its specs is ['exact8s', 'mitchell8s'], not ["),
        ({"layers": Layers(each="0")}, "its layers is {'0': ['0'], 'all': ['0']}, not {'0'"),
        ({"data": {"kind": "digits", "seed": 1, "images": 7}}, "its data is {'kind': 'digits', "),
        ({"weights": "ones"}, "its weights is "),
    ],
)
def test_shards_of_different_studies_are_not_merged(tmp_path, change, message):
    run = StudyRun(tiny_study(tmp_path), tmp_path)
    if "weights" in change:
        change = {"weights": run.study.weights.replace("nothing", change["weights"])}
    other = StudyRun(tiny_study(tmp_path, **change), tmp_path)
    assert_not_merged(run, other, message)


@pytest.mark.parametrize("part", ["mbm_hw", "torch", "samples", "network"])
def test_shards_of_different_versions_are_not_merged(tmp_path, monkeypatch, part):
    run, other = (StudyRun(tiny_study(tmp_path), tmp_path) for _ in range(2))
    other.identity[part] = 64 * "0"
    assert_not_merged(run, other, f"its {part} is 000000000000..., not ")


def assert_not_merged(run, other, message):
    Shard(1, 2).open_store(other).close()
    Shard(2, 2).open_store(run).close()
    with pytest.raises(ValueError, match=re.escape(message)):
        read_shards(run, [run.folder / f"shard{i}of2.sqlite" for i in (2, 1)])


def files_of(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_merge_reads_the_rows_of_a_killed_shard_and_changes_nothing(tmp_path):
    run = StudyRun(tiny_study(tmp_path), tmp_path)
    folder = tmp_path / "copied"
    folder.mkdir()
    unit = run.units[0]
    with closing(Shard(1, 1).open_store(run)) as store:
        store.add(zip(run.keys(unit), run.score(unit), strict=True))
        for ending in ("", "-wal"):  # while it is open, its rows are in the log
            name = f"shard1of1.sqlite{ending}"
            (folder / name).write_bytes((tmp_path / name).read_bytes())
    before = files_of(folder)
    rows, count = read_shards(run, [folder / "shard1of1.sqlite"])
    assert (sorted(rows), count) == (sorted(run.keys(unit)), 1)
    assert files_of(folder) == before


def test_a_merge_that_is_refused_changes_neither_its_inputs_nor_the_store(tmp_path, capsys):
    study, results = tiny_study_file(tmp_path, 1), tmp_path / "results"
    folder = results / "tiny"
    for arguments in ([], ["--shard", "1/2"]):
        assert call(capsys, "study", "run", study, *arguments, "--results", results)[0] == 0
    foreign = folder / "foreign.sqlite"
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE units (key TEXT, row TEXT)")
    before = files_of(folder)
    for target, files in ((results, before), (tmp_path / "new", None)):
        merge = ["study", "merge", study, folder / "shard1of2.sqlite", foreign, "--results", target]
        status, out, err = call(capsys, *merge)
        assert (status, out) == (2, "")
        assert f"{foreign} is no store of this version" in err.splitlines()[-1]
        assert files_of(folder) == before
        assert files is not None or not target.exists()


def test_a_study_that_fails_leaves_no_empty_store(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(StudyRun, "score", lambda run, unit: _fail())
    study = tiny_study_file(tmp_path, 1)
    status, _, err = call(capsys, "study", "run", study, "--results", tmp_path)
    assert (status, err.splitlines()[-1]) == (2, "mbm-hw: the layer cannot be scored")
    assert list((tmp_path / "tiny").iterdir()) == []


def _fail():
    raise ValueError("the layer cannot be scored")


def test_a_shard_without_units_is_run_and_merged_like_any_other(tmp_path, capsys):
    study, results = tiny_study_file(tmp_path, 1), tmp_path / "results"
    run = ["study", "run", study, "--results", results, "--shard"]
    shards = [Shard(index, CASES + 2) for index in range(1, CASES + 3)]
    whole = StudyRun(read_study(study), results / "tiny")
    empty = [shard for shard in shards if not shard.units(whole)]
    assert empty
    status, out, err = call(capsys, *run, empty[0], "--json")
    assert (status, json.loads(out)) == (0, [])
    assert f"tiny: shard {empty[0]} is done, 0 of {CASES} images in " in err
    assert call(capsys, *run, empty[1], "--csv")[0] == 0
    for shard in shards:
        with closing(shard.open_store(whole)) as store:
            list(whole.compute(store, shard.units(whole)))
    stores = [results / f"tiny/shard{s.index}of{s.count}.sqlite" for s in shards]
    status, _, err = call(capsys, "study", "merge", study, *stores, "--results", tmp_path / "all")
    assert status == 0, err


def test_of_a_million_shards_those_that_are_missing_are_named_at_once(tmp_path):
    run = StudyRun(tiny_study(tmp_path), tmp_path)
    with closing(run.open_store()) as store:
        text = missing(run, store, 999_999)
    assert text.count("; ") == len(run.units) - 1
    assert text.startswith("shard ")


def test_the_same_data_in_another_folder_are_the_same(tmp_path):
    identities = []
    for name in ("laptop", "server"):
        folder = tmp_path / name
        folder.mkdir()
        write_cifar(folder)
        data = {"kind": "cifar10", "folder": str(folder), "images": 4, "calibration_images": 3}
        study = tiny_study(tmp_path, data=data)
        identities.append(
            study_identity(study, torch.nn.Linear(1, 1), load_data(data), folder)["data"]
        )
    assert identities[0] == identities[1]
