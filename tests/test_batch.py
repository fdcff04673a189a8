"""What a unit's rows say: equal to plain forwards, whatever is shared; measured as defined."""

import random
import time

import numpy as np
import pytest
import torch
from torch.nn import functional

from mbm_hw.multipliers import CATALOG
from mbm_hw.studies.description import Layers, Study
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.output_error import OutputError
from mbm_hw.studies.run import StudyRun

NETWORK = """
import torch
from torch import nn

def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(4, 1, 3, 1, 1), nn.Softplus(),
    )

def nothing(network, data):
    pass
"""
LAYERS = Layers(each="*", groups={"middle": "[24]"})


@pytest.fixture
def run(tmp_path):
    file = tmp_path / "network.py"
    file.write_text(NETWORK)
    study = Study(
        name="small",
        network=f"{file}:small",
        weights=f"{file}:nothing",
        data={"kind": "generated_rooms", "seed": 3, "images": 3, "calibration_images": 2},
        specs=(CATALOG["mbm8s"], CATALOG["mbm_bf16"]),
        metrics="depth_flip",
        layers=LAYERS,
        batch=2,
    )
    return StudyRun(study, tmp_path / "results")


def test_units_in_any_order_have_the_scores_of_plain_forwards(run):
    """Two forwards a score (image and mirror image), a last batch of one, groups of layers."""
    units = list(run.units)
    random.Random(0).shuffle(units)
    for unit in units:
        rows = run.score(unit)
        samples = [run.dataset[image] for image in unit.images]
        images, targets = torch.stack([s[0] for s in samples]), [s[1] for s in samples]
        with torch.inference_mode():
            expected = EVALUATIONS["depth_flip"].scores(run.converted(unit.case), images, targets)
        assert [{k: row[k] for k in score} for row, score in zip(rows, expected, strict=True)] == (
            expected
        )


def test_a_rows_measures_are_what_they_are_defined_to_be(run):
    unit = next(u for u in run.units if (u.case.spec_name, u.case.layer_set) == ("mbm8s", "2"))
    row = run.score(unit)[1]
    image = run.dataset[1][0][None]
    exact, approximate = run.network, run.converted(unit.case)
    with torch.inference_mode():
        both = torch.cat([image, image.flip(3)])
        x = exact[:2](both)
        errors = {
            "layer": (
                approximate[2](x),
                functional.conv2d(x, exact[2].weight, exact[2].bias, 1, 1),
            ),
            "output": (approximate(both), exact(both)),
        }
    for name, pair in errors.items():
        z, y = (np.asarray(t, np.float64) for t in pair)
        sqnr = 10 * np.log10((y**2).sum() / ((z - y) ** 2).sum())
        assert row[f"{name}_sqnr_db"] == pytest.approx(sqnr, rel=1e-4)
        assert row[f"{name}_max_error"] == pytest.approx(np.abs(z - y).max(), rel=1e-3)
    assert row["multiplications"] == 4 * 60 * 80 * 4 * 9
    assert row["products_per_second"] > 2 * row["multiplications"] / row["seconds"]
    assert 50 < row["peak_mib"] < 50_000


def test_what_does_not_apply_is_none(run):
    rows = {u.case.layer_set: run.score(u)[0] for u in run.units if u.images.start == 0}
    exact, several, single = rows["none"], rows["middle"], rows["0"]
    assert exact["multiplications"] == 0
    for name in ("products_per_second", "layer_sqnr_db", "output_sqnr_db", "output_max_error"):
        assert exact[name] is None
        assert single[name] > 0
    assert several["layer_sqnr_db"] is None
    assert several["output_sqnr_db"] > 0
    assert exact["seconds"] > 0


def test_the_seconds_are_those_of_a_forward_that_skips_nothing(run):
    """A layer that sleeps is in the prefix of all variants, and counts in each of them."""
    run.network[1].register_forward_hook(lambda *_: time.sleep(0.05))
    units = [u for u in run.units if u.images.start == 0 and u.case.layer_set in ("none", "4")]
    for unit in units:
        assert run.score(unit)[0]["seconds"] > 2 * 0.05 / 2, unit.case


def test_the_error_of_outputs_that_are_equal_or_have_no_images():
    error = OutputError(2)
    assert error.columns("x") == [{"x_sqnr_db": None, "x_max_error": None}] * 2
    y = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    error.add(y + torch.tensor([[0.0], [0.5]]), y)
    assert error.columns("x")[0] == {"x_sqnr_db": float("inf"), "x_max_error": 0.0}
    assert error.columns("x")[1] == pytest.approx({"x_sqnr_db": 3.0103, "x_max_error": 0.5})
    error.add((torch.ones(3),), (torch.zeros(3),))
    assert [c["x_max_error"] for c in error.columns("x")] == [1.0, 1.0]
