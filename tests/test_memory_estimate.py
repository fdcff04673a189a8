"""The memory that a study needs is estimated before it is taken, and said."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_cli import call
from tiny_study import tiny_study, tiny_study_file
from torch import nn

from mbm_hw.multipliers import Table
from mbm_hw.studies import memory_estimate
from mbm_hw.studies.memory_estimate import MemoryEstimate, largest_operator
from mbm_hw.studies.run import StudyRun


def free(monkeypatch, mebibytes):
    """Let the machine have so much memory."""
    available = SimpleNamespace(available=mebibytes << 20)
    monkeypatch.setattr("psutil.virtual_memory", lambda: available)
    monkeypatch.setattr("psutil.swap_memory", lambda: SimpleNamespace(free=0))


def test_the_parts_of_an_estimate_are_those_of_the_study(tmp_path):
    table = Table(np.zeros((256, 256), np.int64), signed=True)
    run = StudyRun(tiny_study(tmp_path, specs=(table,)), tmp_path)
    parameters = (4 * 9 + 4) + (6 * 4 * 9 + 6) + (6 * 10 + 10)
    conv = 3 * (64 + 4 * 9) * 4  # three images of 8x8, four channels of 3x3
    expected = MemoryEstimate(parameters * 4, 256 * 256 * 8, conv, (3 + 20) * 64 * 4, 1000 * 7 * 3)
    assert run.memory == expected
    assert str(run.memory).startswith("at least 0.5 MiB of memory (weights 0.0, tables 0.5, ")


def test_of_the_largest_operator_all_that_it_reads_and_writes_counts_once():
    network = nn.Sequential(nn.Flatten(), nn.Linear(100, 400), nn.ReLU(), nn.Linear(400, 10))
    images = torch.zeros(2, 1, 10, 10)
    assert largest_operator(network, images) == 2 * (400 + 400) * 4


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = None

    def forward(self, x):
        self.last = x * 2
        return self.last


class Looking(nn.Module):
    def forward(self, x):
        return x if x.sum().item() > 0 else -x


def test_the_network_is_not_touched_by_the_estimate():
    network = Remembering()
    assert largest_operator(network, torch.zeros(1, 8)) == 2 * 8 * 4
    assert network.last is None


def test_what_a_network_that_looks_at_values_needs_is_unknown(tmp_path):
    assert largest_operator(Looking(), torch.zeros(1, 8)) is None
    estimate = MemoryEstimate(20 << 20, 0, None, 1 << 20, 0)
    assert "largest operator unknown" in str(estimate)
    assert estimate.total == 21 << 20


@pytest.mark.parametrize("part", ["batch", "calibration_images", "images"])
def test_a_study_that_needs_more_than_there_is_ends_before_it_is_taken(part, tmp_path, monkeypatch):
    free(monkeypatch, 20)
    data = {"kind": "generated_rooms", "seed": 1, "images": 10**7 if part == "images" else 50}
    data |= {"size": [100, 100], "calibration_images": 1000 if part == "calibration_images" else 1}
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n"
        "class Net(nn.Conv2d):\n"
        "    def forward(self, x):\n"
        "        assert x.device.type == 'meta', 'memory is taken'\n"
        "        return super().forward(x)\n"
        "def net() -> nn.Module:\n    return Net(3, 8, 3)\n"
        "def nothing(network, data):\n    pass\n"
    )
    names = {"network": f"{file}:net", "weights": f"{file}:nothing", "metrics": "depth"}
    study = tiny_study(tmp_path, **names, data=data, batch=50 if part == "batch" else 1)
    message = r"the study needs at least [\d,]+ MiB of memory \(weights .*\); 20 MiB are free"
    with pytest.raises(ValueError, match=message):
        StudyRun(study, tmp_path)


def test_every_worker_takes_its_own_memory(monkeypatch):
    free(monkeypatch, 100)
    estimate = MemoryEstimate(30 << 20, 0, 0, 0, 0)
    estimate.check(3)
    with pytest.raises(ValueError, match="in each of 4 processes; 100 MiB are free"):
        estimate.check(4)


def test_a_container_has_at_most_its_limit(tmp_path, monkeypatch):
    free(monkeypatch, 100)
    monkeypatch.setattr(memory_estimate, "LIMIT_OF_CONTAINER", tmp_path / "memory.max")
    assert memory_estimate.free_bytes() == 100 << 20
    for text, expected in (("max\n", 100 << 20), (f"{10 << 20}\n", 10 << 20)):
        (tmp_path / "memory.max").write_text(text)
        assert memory_estimate.free_bytes() == expected


def test_a_run_says_in_one_line_what_it_needs(tmp_path, capsys):
    study = tiny_study_file(tmp_path, 1)
    status, _, err = call(capsys, "study", "run", study, "--results", tmp_path)
    assert status == 0
    (line,) = [line for line in err.splitlines() if line.startswith("tiny: needs ")]
    assert line.startswith("tiny: needs at least 0.0 MiB of memory (weights 0.0, tables 0.0, larg")


def test_the_estimate_is_at_most_what_a_forward_takes():
    """Or studies that have room would be refused; the peak of PyTorch's allocations is counted."""
    network = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.Flatten())
    images = torch.zeros(4, 3, 64, 64)
    with torch.inference_mode(), torch.profiler.profile(profile_memory=True) as profile:
        network(images)
    given = sum(max(event.self_cpu_memory_usage, 0) for event in profile.key_averages())
    assert largest_operator(network, images) <= given + images.nbytes
