"""Studies on a GPU, as far as they can be looked at without one."""

import pytest
import torch
from tiny_study import tiny_study
from torch import nn

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
