"""The report, looked at as its readers do: in a browser, on a phone and on a desk."""

import copy
import functools
import json
import random
import re

import pytest
from browser import page_of

from mbm_hw import MBM, FloatMBM, Mitchell
from mbm_hw.cli import main
from mbm_hw.studies.description import Layers, RandomWeights, Study
from mbm_hw.studies.report import sensitivity, write_report
from mbm_hw.studies.results import write_results
from mbm_hw.studies.run import StudyRun

NETWORK = """
import torch
from torch import nn

def small() -> nn.Module:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 1, 3, 1, 1), nn.Softplus()
    )
    for weights in network.parameters():
        nn.init.normal_(weights, 1, 0.3)
    return network
"""

BROKEN_IMAGES = "[...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.alt)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    file = folder / "network.py"
    file.write_text(NETWORK)
    study = Study(
        name="<small & odd>",
        network=f"{file}:small",
        weights=RandomWeights(0),
        data={"kind": "generated_rooms", "seed": 3, "images": 3, "calibration_images": 2},
        specs=(Mitchell(8, signed=True), MBM(8, signed=True), FloatMBM(8, 7)),
        metrics="depth",
        layers=Layers(each="*"),
    )
    run = StudyRun(study, folder / "small")
    write_results(run, list(run.rows()))
    cost = {"design": "mbm8s", "build": "", "area_um2": 1234.0, "area_um2_saved": 35.2}
    (folder / "cost.json").write_text(json.dumps([cost]))
    write_report(folder / "small", cost=folder / "cost.json")
    return folder / "small"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_all_of_the_report_and_has_nothing_to_complain_about(folder, width):
    with page_of((folder / "report.html").as_uri(), width) as (page, complaints):
        assert complaints == []
        assert page.evaluate("document.images.length") == 3
        assert page.evaluate(BROKEN_IMAGES) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        text = page.inner_text("body")
        linked = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.hash.slice(1))")
        assert page.evaluate("ids => ids.filter(i => !document.getElementById(i))", linked) == []
    assert text.startswith("<small & odd>")
    for part in ("weights are random", "seed: 3", "mbm_bf16", "1,234 (-35 %)", "torch", "sha256"):
        assert part in text, part


def test_a_broken_picture_and_a_request_are_told(folder, tmp_path):
    text = (folder / "report.html").read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(re.sub("data:image/png;base64,.{9}", "http://127.0.0.1:9/", text, count=1))
    with page_of(broken.as_uri(), 1280) as (page, complaints):
        assert len(page.evaluate(BROKEN_IMAGES)) == 1
        assert any("request: http://127.0.0.1:9/" in complaint for complaint in complaints)


def test_the_report_is_written_by_the_command_line_without_hardware_where_none_is_known(
    folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "elsewhere.html"
    with pytest.raises(SystemExit, match="0"):
        main(["report", str(folder), "-o", str(output)])
    assert str(output) in capsys.readouterr().out
    assert 'id="cost"' not in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no .*summary.json, which mbm-hw study run writes"),
        ("{", "summary.json is no JSON file: .*"),
        ('{"study": {}}', "of this version writes: document.study must have the key 'name'"),
        ("[" * 100_000, "summary.json is no JSON file .*: it has too many levels"),
        ("[]", "document must be a mapping of keys to values, not \\[\\]"),
    ],
)
def test_results_that_cannot_be_reported_are_told_in_a_line(tmp_path, capsys, text, message):
    if text is not None:
        (tmp_path / "summary.json").write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["report", str(tmp_path)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert re.search(message, lines[0])
    assert not (tmp_path / "report.html").exists()


def test_a_cost_file_that_is_not_there_is_told(folder, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["report", str(folder), "--cost", str(tmp_path / "no.json")])
    assert "no.json, which make synth writes" in capsys.readouterr().err


def test_layers_are_ranked_by_their_harm_whichever_way_is_better(folder):
    class Higher:
        headline, higher_is_better = "m", frozenset({"m"})

    class Lower:
        headline, higher_is_better = "m", frozenset()

    def summary(layer_set, percent, low, high):
        change = {"percent": percent, "low": low, "high": high, "test": "", "differing": 9}
        return {"spec": "mbm8s", "layer_set": layer_set, "changes": {"m": change}}

    rows = [summary("a", -1.0, -2, 0.5), summary("b", 4.0, 1, 2), summary("c", -8.0, -9, -7)]
    ranked = sensitivity(rows, Higher)["mbm8s"]
    assert [row["layer_set"] for row in ranked] == ["c", "a", "b"]
    assert [row["harm"] for row in ranked] == [8.0, 1.0, -4.0]
    assert [row["is_noise"] for row in ranked] == [False, True, False]
    assert [row["share"] for row in ranked] == [1.0, 0.125, 0.5]
    assert [row["layer_set"] for row in sensitivity(rows, Lower)["mbm8s"]] == ["b", "a", "c"]


def _places(value, path=()):
    """Yield the paths of all that a JSON document holds; of lists, their first two items."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:2])
    for key, item in items:
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from _places(item, (*path, key))


def test_results_with_any_part_wrong_are_told_in_a_line_or_make_a_page(folder, tmp_path):
    """150 seeded changes of a summary.json; 2,000 were tried by hand."""
    document = json.loads((folder / "summary.json").read_text())
    generator, places, refused = random.Random(1), list(_places(document)), []
    wrong = (None, [], {}, "x", -1, 1.5, 10**400, True, [1], {"a": 1}, "\ud800", "\x1b[31m")
    for _ in range(150):
        changed = copy.deepcopy(document)
        *path, last = generator.choice(places)
        part = functools.reduce(lambda part, key: part[key], path, changed)
        if generator.random() < 0.3:
            del part[last]
        else:
            part[last] = generator.choice(wrong)
        (tmp_path / "summary.json").write_text(json.dumps(changed))
        try:
            write_report(tmp_path)
        except ValueError as error:
            refused.append(str(error))
    assert 75 < len(refused) < 150
    expected = f"{tmp_path}/summary.json is no"
    assert [line for line in refused if not line.startswith(expected) or "\n" in line] == []


@pytest.mark.parametrize(
    "cost", ["{}", "[3]", '[{"design": "mbm8s", "build": "", "area_um2": ""}]']
)
def test_a_cost_file_of_another_kind_is_told(folder, tmp_path, cost):
    (tmp_path / "cost.json").write_text(cost)
    with pytest.raises(ValueError, match=r"cost.json is not what mbm-hw cost --output writes: doc"):
        write_report(folder, tmp_path / "x.html", tmp_path / "cost.json")
    assert not (tmp_path / "x.html").exists()


def test_summaries_are_of_the_metrics_that_the_study_names(folder, tmp_path):
    document = json.loads((folder / "summary.json").read_text())
    for part in ("averages", "changes"):
        changed = copy.deepcopy(document)
        del next(s for s in changed["summaries"] if s[part] and s["changes"])[part]["a1"]
        (tmp_path / "summary.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=rf"{part} must be of the metrics a1, a2, a3, rel"):
            write_report(tmp_path)
