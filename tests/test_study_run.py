"""Whole studies, on a network small enough to run many times."""

import dataclasses
import json
import signal
import subprocess
import sys
import time

import pytest
import torch
from tiny_study import CASES, NETWORK, tiny_study, tiny_study_file

from mbm_hw.multipliers import CATALOG, MBM
from mbm_hw.studies.batch import MEASURED
from mbm_hw.studies.description import Layers, RandomWeights, Study
from mbm_hw.studies.results import write_results
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.store import Store


@pytest.fixture
def study(tmp_path):
    return tiny_study(tmp_path)


def rows_without_measures(run):
    return [{k: v for k, v in row.items() if k not in MEASURED} for row in run.rows()]


def test_a_study_scores_every_image_in_every_case(study, tmp_path):
    run = StudyRun(study, tmp_path / "results")
    rows = list(run.rows())
    cases = [("float", "none")]
    cases += [(spec, s) for spec in ("exact8s", "mbm8s") for s in ("0", "2", "4", "all")]
    assert [(r["spec"], r["layer_set"]) for r in rows[::7]] == cases
    assert [r["image"] for r in rows] == list(range(7)) * len(cases)
    assert len(rows) == run.total
    counted = {r["layer_set"]: r["multiplications"] for r in rows}
    assert counted == {"none": 0, "0": 4 * 9 * 9, "2": 6 * 36, "4": 60, "all": 324 + 216 + 60}


def test_float_and_integer_specs_share_a_study(study, tmp_path):
    specs = (MBM(8, signed=True), CATALOG["mbm_bf16"], CATALOG["exact_fp32"])
    study = Study(**{**vars(study), "specs": specs, "layers": Layers(each="*")})
    run = StudyRun(study, tmp_path / "results")
    summaries = write_results(run, list(run.rows()))
    both = {s.spec: s.baseline for s in summaries if s.layer_set == "all"}
    assert both == {
        "exact8s": "exact8s",
        "exact_bf16": "exact_bf16",
        "exact_fp32": "exact_fp32",
        "mbm8s": "exact8s",
        "mbm_bf16": "exact_bf16",
    }
    losses = {s.spec: s.averages["cross_entropy"] for s in summaries if s.layer_set != "2"}
    assert losses["exact_fp32"] == pytest.approx(losses["float"], rel=1e-5)
    assert losses["exact_bf16"] == pytest.approx(losses["float"], rel=1e-2)
    assert losses["mbm_bf16"] not in (losses["exact_bf16"], losses["mbm8s"])


def test_images_left_over_from_a_batch_are_scored_like_the_others(study, tmp_path):
    """7 images in batches of 3; the original counted the last one as zeros."""
    singly = Study(**{**vars(study), "batch": 1})
    by_three = rows_without_measures(StudyRun(study, tmp_path / "three"))
    one_by_one = rows_without_measures(StudyRun(singly, tmp_path / "one"))
    assert [r["top1"] for r in by_three] == [r["top1"] for r in one_by_one]
    losses = [[r["cross_entropy"] for r in rows] for rows in (by_three, one_by_one)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_finished_units_are_not_computed_again(study, tmp_path, monkeypatch):
    first = list(StudyRun(study, tmp_path / "results").rows())
    monkeypatch.setattr(StudyRun, "converted", None)
    assert list(StudyRun(study, tmp_path / "results").rows()) == first


def test_what_the_rows_depend_on_is_in_their_keys(study, tmp_path):
    """Other weights, data, quantiser or batches must not find these rows in the store."""
    file = tmp_path / "tiny_network.py"
    keys = set()
    changed = [
        {},
        {"data": {**study.data, "seed": 1}},
        {"data": {**study.data, "calibration_images": 21}},
        {"quantizer": "percentile"},
        {"batch": 7},
        {"metrics": "classification", "name": "other"},
    ]
    for change in changed:
        run = StudyRun(Study(**{**vars(study), **change}), tmp_path / "results")
        keys.add(run._key(run.cases[1], 0))
    file.write_text(NETWORK.replace("manual_seed(0)", "manual_seed(1)"))
    other = tmp_path / "other_network.py"
    other.write_text(file.read_text())
    run = StudyRun(Study(**{**vars(study), "network": f"{other}:tiny"}), tmp_path / "results")
    keys.add(run._key(run.cases[1], 0))
    assert len(keys) == len(changed) + 1


def test_the_network_itself_is_left_as_it_was(study, tmp_path):
    run = StudyRun(study, tmp_path / "results")
    before = {k: v.clone() for k, v in run.network.state_dict().items()}
    converted = run.converted(run.cases[-1])
    assert [type(m).__name__ for m in converted][::2] == [
        "ApproxConv2d",
        "ApproxConv2d",
        "ApproxLinear",
    ]
    assert [type(m).__name__ for m in run.network][::2] == ["Conv2d", "Conv2d", "Linear"]
    after = run.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_a_layer_has_the_same_scale_whatever_else_is_approximate(study, tmp_path):
    run = StudyRun(study, tmp_path / "results")
    alone = next(c for c in run.cases if c.spec_name == "mbm8s" and c.layer_set == "2")
    together = next(c for c in run.cases if c.spec_name == "exact8s" and c.layer_set == "all")
    scales = [run.converted(case)[2].activation_scale for case in (alone, together)]
    assert scales[0] == scales[1]


def test_results_are_complete_files(study, tmp_path):
    run = StudyRun(study, tmp_path / "results")
    rows = list(run.rows())
    write_results(run, rows)
    names = {p.name for p in (tmp_path / "results").iterdir()}
    assert names >= {"rows.csv", "rows.json", "summary.json", "table.md", "layers.png"}
    assert not [name for name in names if name.startswith(".")]
    assert json.loads((tmp_path / "results/rows.json").read_text()) == rows
    assert (tmp_path / "results/rows.csv").read_text().count("\n") == len(rows) + 1
    document = json.loads((tmp_path / "results/summary.json").read_text())
    assert document["study"]["specs"] == ["mbm8s"]
    spec = document["errors"]["multipliers"]["mbm8s"]["spec"]
    assert spec == "MBM(width=8, truncation=0, signed=True)"
    assert set(document["versions"]) == {"mbm_hw", "torch"}
    assert (tmp_path / "results/layers.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metrics": "depht"}, "metrics must be one of classification, depth, .*, not 'depht'"),
        ({"quantizer": "log"}, "quantizer must be one of symmetric, .*, not 'log'"),
        ({"network": "nobody"}, "no network is called 'nobody' in models; known: densedepth161, "),
        ({"network": "absent.py:net"}, "absent.py:net: there is no file absent.py"),
        ({"weights": "absent.pt"}, "absent.pt"),
        ({"layers": Layers(each="up*")}, r"no layer matches 'up\*'; known: 0, 2, 4"),
        ({"data": {"kind": "digits", "images": 3}}, "needs the key 'seed'"),
    ],
)
def test_what_a_study_names_must_exist(study, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        StudyRun(Study(**{**vars(study), **change}), tmp_path / "results")


def test_weights_that_do_not_fit_are_named(study, tmp_path):
    wrong = study.weights.replace(":nothing", ":wrong")
    with pytest.raises(ValueError, match=r"tiny_network.py:wrong: .* loading state_dict"):
        StudyRun(Study(**{**vars(study), "weights": wrong}), tmp_path / "results")


def test_a_killed_study_resumes_and_gives_the_same_rows(study, tmp_path):
    """kill -9 in the middle of `mbm-hw study run`; then the same command again."""
    file = tiny_study_file(tmp_path, images=60)
    command = [sys.executable, "-m", "mbm_hw", "study", "run", str(file)]
    command += ["--results", str(tmp_path / "results")]
    database = tmp_path / "results/tiny/study.sqlite"
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (database.is_file() and len(Store(database)) > 100):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the study ended before it could be killed"
    kept = len(Store(database))
    assert 100 < kept < CASES * 60
    subprocess.run(command, check=True, capture_output=True)
    assert len(Store(database)) == CASES * 60
    rows = json.loads((tmp_path / "results/tiny/rows.json").read_text())
    assert len(rows) == CASES * 60
    assert len({(r["spec"], r["layer_set"], r["image"]) for r in rows}) == CASES * 60


def test_random_weights_come_from_their_seed_and_are_named_in_every_output(tmp_path):
    """The factory draws them; torch's own generator is left as it was."""
    study = tiny_study(tmp_path, weights=RandomWeights(1))
    file = tmp_path / "tiny_network.py"
    file.write_text(file.read_text().replace("torch.manual_seed(0)", "pass"))
    before = torch.get_rng_state()
    runs = [StudyRun(study, tmp_path / "results") for _ in range(2)]
    other = StudyRun(dataclasses.replace(study, weights=RandomWeights(2)), tmp_path / "results")
    assert torch.equal(torch.get_rng_state(), before)
    hashes = [run.identity["weights"] for run in (*runs, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    rows = runs[0].rows()
    write_results(runs[0], rows)
    assert {row["weights"] for row in rows} == {"random, seed 1"}
    document = json.loads((tmp_path / "results/summary.json").read_text())
    assert document["weights"] == {
        "name": "random, seed 1",
        "is_random": True,
        "sha256": hashes[0],
        "note": "",
    }
    table = (tmp_path / "results/table.md").read_text()
    assert "weights random, seed 1: nothing is said about a trained network" in table
