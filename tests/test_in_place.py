"""Networks that change their input in place, as many normalise it: nobody else's data change."""

import numpy as np
import pytest
import torch
from tiny_study import tiny_study

from mbm_hw.multipliers import MBM, Mitchell
from mbm_hw.studies.batch import MEASURED
from mbm_hw.studies.description import RandomWeights
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.networks import load_network
from mbm_hw.studies.operands import LayerOperands, layer_input
from mbm_hw.studies.run import StudyRun
from sim import network_layers

NETWORK = """
import torch
from torch import nn

class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.f = nn.Conv2d(1, 4, 3), nn.Linear(144, 10)

    def forward(self, x):
        y = self.a(x.sub_(0.5).div_(0.25))
        x.zero_()
        return self.f(torch.relu(y).flatten(1))

class Twin(Norm):
    def forward(self, x):
        return self.f(torch.relu(self.a((x - 0.5) / 0.25)).flatten(1))

def norm() -> nn.Module:
    torch.manual_seed(0)
    return Norm()

def twin() -> nn.Module:
    torch.manual_seed(0)
    return Twin()
"""
DATA = {"kind": "digits", "seed": 0, "images": 3, "calibration_images": 8}
SPECS = Mitchell(8, signed=True), MBM(16, signed=True)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "nets.py").write_text(NETWORK)
    return tmp_path / "nets.py"


def study_run(file, factory):
    study = tiny_study(
        file.parent,
        network=f"{file}:{factory}",
        weights=RandomWeights(0),
        data=DATA,
        specs=SPECS,
        batch=1,
    )
    return StudyRun(study, file.parent / factory)


def test_a_study_of_it_has_the_rows_of_its_twin_that_changes_nothing(file):
    rows = {}
    for factory in ("norm", "twin"):
        run = study_run(file, factory)
        before = [run.dataset[i][0].clone() for i in range(3)], run.dataset.calibration.clone()
        rows[factory] = [{k: v for k, v in r.items() if k not in MEASURED} for r in run.rows()]
        assert all(map(torch.equal, before[0], (run.dataset[i][0] for i in range(3))))
        assert torch.equal(before[1], run.dataset.calibration)
    assert rows["norm"] == rows["twin"]
    losses = {(r["spec"], r["layer_set"], r["image"]): r["cross_entropy"] for r in rows["norm"]}
    assert losses["float", "none", 0] == pytest.approx(2.544785, abs=1e-5)
    assert losses["mbm16s", "a", 1] == pytest.approx(1.816224, abs=1e-5)


@torch.inference_mode()
def test_a_layers_input_is_what_the_layer_was_given(file):
    image = torch.rand(1, 8, 8)
    before = image.clone()
    seen = layer_input(load_network(f"{file}:norm"), "a", image)
    assert torch.equal(image, before)
    assert torch.equal(seen, (before[None] - 0.5) / 0.25)


def test_the_operands_of_circuits_are_those_of_the_twin(file, monkeypatch):
    file.with_name("weights.py").write_text("def keep(network, data): pass")
    streams, layers = [], []
    for factory in ("norm", "twin"):
        weights = f"{file.with_name('weights.py')}:keep"
        operands = LayerOperands(f"{file}:{factory}", weights, DATA, "a", vectors=500)
        streams.append(operands.codes(MBM(8, signed=True)))
        run = study_run(file, factory)
        monkeypatch.setattr(network_layers, "_run", lambda study, run=run: run)
        layer = network_layers.NetworkLayer(factory, "all", "a")
        before = [run.dataset[i][0].clone() for i in range(3)]
        layers.append(network_layers.convolution(layer, MBM(8, signed=True), outputs=300))
        assert all(map(torch.equal, before, (run.dataset[i][0] for i in range(3))))
    assert all(map(np.array_equal, *streams))
    assert np.array_equal(layers[0].x, layers[1].x)
    assert len(layers[0].x) == 3


@torch.inference_mode()
def test_an_evaluation_with_mirrored_images_mirrors_the_images(file):
    class Darkens(torch.nn.Module):
        def forward(self, x):
            return x.mul_(0.5)[:, :1, ::2, ::2] + 0.1

    images = torch.rand(2, 3, 8, 8)
    before = images.clone()
    depth = EVALUATIONS["depth_flip"].predict(Darkens(), images)
    assert torch.equal(images, before)
    expected = EVALUATIONS["depth_flip"].predict(lambda x: (x * 0.5)[:, :1, ::2, ::2] + 0.1, images)
    assert torch.equal(depth, expected)
