"""A study that is small enough to run many times: the digits, by a network without training."""

from pathlib import Path

from mbm_hw.multipliers import MBM
from mbm_hw.studies.description import Study

NETWORK = """
import torch
from torch import nn

def tiny() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(6, 10)
    )

def nothing(network, data):
    pass

def ones(network, data):
    network[0].weight.data.fill_(1.0)

def wrong(network, data):
    network.load_state_dict({})
"""
CASES = 9  # float, then two multipliers in three layers and in all of them


def tiny_study(folder: Path, **changes) -> Study:
    """Return the study; its network's file is written to `folder`."""
    file = folder / "tiny_network.py"
    file.write_text(NETWORK)
    described = {
        "name": "tiny",
        "network": f"{file}:tiny",
        "weights": f"{file}:nothing",
        "data": {"kind": "digits", "seed": 0, "images": 7, "calibration_images": 20},
        "specs": (MBM(8, signed=True),),
        "metrics": "classification",
        "batch": 3,
    }
    return Study(**described | changes)


def tiny_study_file(folder: Path, images: int, batch: int = 1) -> Path:
    """Write the study as YAML, and its network's file, to `folder`; return the study's file."""
    (folder / "tiny_network.py").write_text(NETWORK)
    file = folder / "tiny.yaml"
    file.write_text(
        f"{{network: '{folder}/tiny_network.py:tiny', weights: '{folder}/tiny_network.py:nothing', "
        f"data: {{kind: digits, seed: 0, images: {images}}}, specs: [mbm8s], batch: {batch}, "
        "metrics: classification}\n"
    )
    return file
