"""Networks that a study cannot run: one line each, which names the layer or the image."""

import pytest
import torch
from torch import nn

from mbm_hw.cli import main
from mbm_hw.multipliers import MBM
from mbm_hw.studies.description import Study
from mbm_hw.studies.forward_errors import ForwardError, naming_layers
from mbm_hw.studies.networks import load_network, network_names
from mbm_hw.studies.run import StudyRun

NETWORKS = """
import sys
import torch
from torch import nn

def head() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 10))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.f = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 1), nn.Linear(144, 10)

    def middle(self, x):
        return self.b(x)

    def forward(self, x):
        return self.f(self.middle(self.a(x)).flatten(1))

class Keywords(Net):
    def middle(self, x):
        return self.b(input=x)

class Skips(Net):
    def forward(self, x):
        x, is_dark = self.a(x), x.mean() < 0.265
        return self.f((x if is_dark else self.b(x)).flatten(1))

class Raises(Net):
    def middle(self, x):
        return {}["absent"]

class Exits(Net):
    def forward(self, x):
        sys.exit(4)

class Mapping(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = head()

    def forward(self, x):
        return {"logits": self.n(x), "aux": 1}

def keywords() -> nn.Module: return Keywords()
def skips() -> nn.Module: return Skips()
def raises() -> nn.Module: return Raises()
def exits() -> nn.Module: return Exits()
def mapping() -> nn.Module: return Mapping()
def pair() -> nn.Module: return nn.Sequential(head(), Pair())
class Pair(nn.Module):
    def forward(self, x): return x, x
def rgb() -> nn.Module: return nn.Sequential(nn.Conv2d(3, 4, 3))
def five() -> nn.Module: return nn.Sequential(head(), nn.Linear(10, 5))
def bf16() -> nn.Module: return head().bfloat16()
def buffer() -> nn.Module:
    network = head()
    network.register_buffer("t", torch.ones((), dtype=torch.bfloat16))
    return network
def image() -> nn.Module: return nn.Sequential(nn.Conv2d(1, 10, 3))
def one() -> nn.Module: return nn.Sequential(nn.Conv2d(1, 1, 3))
def none() -> nn.Module: return None
def needs(width) -> nn.Module: return head()
def leaves() -> nn.Module: sys.exit(3)
def nothing(network, data): pass
"""


def study(folder, network, **changes):
    file = folder / "nets.py"
    file.write_text(NETWORKS)
    described = {
        "name": "s",
        "network": f"{file}:{network}",
        "weights": f"{file}:nothing",
        "data": {"kind": "digits", "seed": 0, "images": 3, "calibration_images": 4},
        "specs": (MBM(8, signed=True),),
        "metrics": "classification",
    }
    return Study(**described | changes)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("raises", r"raises on image 0 fails \(nets.py, line \d+\): KeyError: 'absent'"),
        ("exits", r"exits on image 0 fails \(nets.py, line \d+\): it calls sys.exit\(4\)"),
        ("rgb", r"on image 0 fails \(layer '0', Conv2d.*to have 3 channels, but got 1"),
        ("bf16", r"on image 0 fails \(layer '0', Conv2d.*float.*BFloat16"),
        ("five", "image . of float: label . is outside of the network's 5 classes, .* 0 to 4"),
        (
            "mapping",
            "image 0 of float: the network must return one tensor, not a mapping with the ",
        ),
        ("pair", "image 0 of float: the network must return one tensor, not a tuple"),
        ("image", r"takes logits \[N, classes\] of a network, not \[1, 10, 6, 6\]"),
        ("none", "nets.py:none: it must return an nn.Module, not None"),
        ("needs", "nets.py:needs: TypeError: .* missing 1 required positional argument: 'width'"),
        ("leaves", "nets.py:leaves: SystemExit: 3"),
        ("skips", "image 2 of .*: layer 'b' does not run, but it does on image 0"),
    ],
)
def test_a_network_that_cannot_be_studied_is_one_line(tmp_path, network, message):
    with pytest.raises(ValueError, match=message) as caught:
        StudyRun(study(tmp_path, network), tmp_path / "results").rows()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) - len(str(tmp_path)) < 300


@pytest.mark.parametrize("network", ["keywords", "buffer"])
def test_keywords_and_buffers_of_other_types_work(tmp_path, network):
    run = StudyRun(study(tmp_path, network), tmp_path / "results")
    rows = run.rows()
    assert len(rows) == run.total
    errors = [r["layer_sqnr_db"] for r in rows if r["spec"] == "mbm8s" and r["layer_set"] != "all"]
    assert all(15 < error < 60 for error in errors)


def test_data_of_another_kind_than_the_metrics_is_said(tmp_path):
    with pytest.raises(ValueError, match="depth metrics take data with depths, not with labels"):
        StudyRun(study(tmp_path, "one", metrics="depth"), tmp_path / "a").rows()
    rooms = {"kind": "generated_rooms", "seed": 0, "images": 1, "size": [8, 8]}
    rgb = study(tmp_path, "rgb", data=rooms | {"calibration_images": 1})
    with pytest.raises(ValueError, match="takes data with labels, not with depths"):
        StudyRun(rgb, tmp_path / "b").rows()


def test_weights_that_a_function_leaves_as_they_are_are_told(tmp_path):
    run = StudyRun(study(tmp_path, "head"), tmp_path / "results")
    assert run.weights_note.endswith(
        "nets.py:nothing changed nothing: the weights are the factory's"
    )


def test_one_broken_file_does_not_break_the_other_names(tmp_path):
    (tmp_path / "good.py").write_text(
        "from torch import nn\ndef good() -> nn.Module: return nn.ReLU()"
    )
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "zeros.py").write_bytes(b"\0")
    assert list(network_names(tmp_path)) == ["good"]
    assert isinstance(load_network("good", tmp_path), nn.ReLU)
    with pytest.raises(ValueError, match=r"cannot be read: broken\.py, zeros\.py; known: good"):
        load_network("bad", tmp_path)


def test_ops_of_a_network_that_takes_something_else_is_one_line(tmp_path, capsys):
    (tmp_path / "nets.py").write_text(NETWORKS)
    for network, words in (("raises", "KeyError"), ("five", "144"), ("none", "an nn.Module")):
        with pytest.raises(SystemExit, match="2"):
            main(["ops", f"{tmp_path}/nets.py:{network}", "--input", "9x9"])
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
        assert len(line) <= 300


def test_the_innermost_layer_is_named_and_ctrl_c_passes():
    network = nn.Sequential(nn.Sequential(nn.Linear(3, 3)), nn.ReLU())
    with (
        pytest.raises(ForwardError, match=r"it fails \(layer '0.0', Linear.*RuntimeError"),
        naming_layers("it", network),
    ):
        network(torch.ones(1, 4))
    with pytest.raises(KeyboardInterrupt), naming_layers("it", network):
        raise KeyboardInterrupt
