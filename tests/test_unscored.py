"""Frames without valid depth: named, left out of the metrics, and counted in every output."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_study import tiny_study

from mbm_hw.studies.description import Layers, RandomWeights
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.report import write_report
from mbm_hw.studies.results import write_results
from mbm_hw.studies.run import StudyRun

NETWORK = """
from torch import nn

def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 2, 3, 2, 1), nn.ReLU(), nn.Conv2d(2, 1, 1), nn.Softplus())
"""


def frames(folder, invalid):
    """Write frames 0 to 5 of 8x16 pixels; those of `invalid` are without depth."""
    generator = np.random.default_rng(0)
    for number in range(6):
        path = folder / f"frame-{number:06d}"
        color = generator.integers(0, 256, (8, 16, 3)).astype(np.uint8)
        Image.fromarray(color).save(f"{path}.color.jpg", quality=100)
        depth = generator.integers(9000, 12000, (8, 16)).astype(np.uint16)
        depth[: 8 if number in invalid else number] = 65535 if number % 2 else 0
        Image.fromarray(depth).save(f"{path}.depth.png")


def study_run(folder, metrics, batch=2):
    (folder / "net.py").write_text(NETWORK)
    data = {"kind": "rgbd_folder", "folder": str(folder), "first": 0, "last": 4, "size": [8, 16]}
    study = tiny_study(
        folder,
        network=f"{folder}/net.py:small",
        weights=RandomWeights(0),
        data=data | {"calibration_images": 1},
        metrics=metrics,
        layers=Layers(each="2"),
        batch=batch,
    )
    return StudyRun(study, folder / metrics)


@pytest.mark.parametrize("metrics", ["depth", "depth_pooled_flip"])
def test_a_frame_without_valid_depth_is_left_out_and_the_others_count(tmp_path, metrics):
    frames(tmp_path, invalid={0, 3})
    run = study_run(tmp_path, metrics)
    rows = run.rows()
    names = EVALUATIONS[metrics].metrics
    for row in rows:
        is_invalid = row["image"] in (0, 3)
        assert all((row[name] is None) == is_invalid for name in names)
        assert (row["pixels"] == 0) == is_invalid
    summaries = write_results(run, rows)
    scored = [row for row in rows if row["spec"] == "float" and row["image"] in (1, 2, 4)]
    weights = [row["pixels"] for row in scored] if "pooled" in metrics else None
    for name in ("a1", "rel", "log_10"):
        expected = np.average([row[name] for row in scored], weights=weights)
        assert summaries[0].averages[name] == pytest.approx(expected)
    assert {(s.images, s.unscored) for s in summaries} == {(3, (0, 3))}
    document = json.loads((run.folder / "summary.json").read_text())
    assert document["summaries"][0]["unscored"] == [0, 3]
    said = "2 of which are not scored, without valid depth (0, 3)"
    assert f"5 images (rgbd_folder), {said}, " in (run.folder / "table.md").read_text()
    assert said in write_report(run.folder).read_text()


def test_data_without_any_valid_depth_are_refused_before_anything_is_computed(tmp_path):
    frames(tmp_path, invalid=range(6))
    with pytest.raises(
        ValueError, match="data: no image has valid depth, which metrics depth need"
    ):
        study_run(tmp_path, "depth")


def test_valid_depth_outside_the_crop_does_not_count():
    target = np.ones((480, 640))
    target[20:460, 24:616] = 0
    assert EVALUATIONS["depth"].score(target, target)["a1"] == 1
    scores = EVALUATIONS["depth_eigen"].score(np.ones((480, 640)), target)
    assert (scores["a1"], scores["pixels"]) == (None, 0)
