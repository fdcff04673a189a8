"""Studies on a GPU, as far as they can be looked at without one."""

import importlib

import pytest
import torch
from tiny_study import tiny_study
from torch import nn

from mbm_hw import MBM
from mbm_hw.float_spec import FloatMBM
from mbm_hw.nn import calibrate_, convert_, layers
from mbm_hw.studies.batch import Batch
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.run import StudyRun


def test_without_a_gpu_a_study_on_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = StudyRun(tiny_study(tmp_path), tmp_path, device="cuda")
    assert run.identity["device"] == "cuda"
    with pytest.raises(ValueError, match="the device must be cpu here: torch finds no GPU"):
        run.score(run.units[0])


def test_images_go_to_the_networks_device_and_outputs_come_back():
    """On the device meta, which has no values: nothing but the way back must fail."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    samples = [(torch.ones(3, 8, 8), 0)]
    batch = Batch(EVALUATIONS["classification"], samples, network, {"0": 1, "2": 1})
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        _ = batch.exact


@pytest.mark.parametrize(
    "spec", [MBM(8, signed=True), MBM(16, signed=True), FloatMBM(8, 7)], ids=lambda s: s.identifier
)
@torch.inference_mode()
def test_a_networks_forward_looks_at_no_values(spec, monkeypatch):
    """On the device meta, by what CUDA tensors go through: codes, sums and floats stay there."""
    convs = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4), nn.Flatten()
    network, x = nn.Sequential(*convs, nn.Linear(4 * 16, 5)).eval(), torch.rand(2, 3, 8, 8)
    convert_(network, spec)
    calibrate_(network, [x])
    for name in ("quantized_conv2d", "rounded_conv2d"):
        composed = importlib.import_module(f"mbm_hw.ops.{name}").composed
        monkeypatch.setattr(layers, name, composed)
    expected = network(x)
    y = network.to("meta")(x.to("meta"))
    assert (y.device.type, y.shape, y.dtype) == ("meta", expected.shape, torch.float32)
