"""The published networks: their layers, names and operation counts, without weights."""

import re
from pathlib import Path

import pytest
import torch

from mbm_hw.studies.networks import load_network
from mbm_hw.studies.operations import count_multiplications

MODELS = Path(__file__).parent.parent / "models"


def network(name):
    return load_network(f"{MODELS}/densedepth.py:{name}")


@pytest.mark.parametrize(
    ("name", "parameters", "layers", "encoder", "total"),
    [
        ("densedepth161", 44_612_411, 170, 47_300_198_400, 99_015_091_200),
        ("mobilenet_v2_depth", 7_701_601, 66, 1_833_638_400, 8_714_263_040),
    ],
)
def test_parameters_and_multiplications_at_480x640(name, parameters, layers, encoder, total):
    net = network(name).to("meta")
    assert sum(p.numel() for p in net.parameters()) == parameters
    counts = count_multiplications(net, torch.empty(3, 480, 640, device="meta"))
    assert len(counts) == layers
    assert sum(n for layer, n in counts.items() if layer.startswith("encoder.")) == encoder
    assert sum(counts.values()) == total


def test_densedepth161_has_the_checkpoints_keys_and_layer_sizes():
    net = network("densedepth161")
    keys = list(net.state_dict())
    assert len(keys) == 987
    for key in (
        "encoder.original_model.features.conv0.weight",
        "encoder.original_model.features.denseblock4.denselayer24.conv2.weight",
        "encoder.original_model.features.transition3.norm.running_mean",
        "encoder.original_model.features.norm5.bias",
        "encoder.original_model.classifier.weight",
        "decoder.conv2.bias",
        "decoder.up4.convB.weight",
        "decoder.conv3.weight",
    ):
        assert key in keys
    counts = count_multiplications(net.to("meta"), torch.empty(3, 480, 640, device="meta"))
    decoder = [n for layer, n in counts.items() if layer.startswith("decoder.")]
    assert decoder == [
        731_289_600,
        *[8_870_860_800, 3_290_803_200] * 3,
        *[11_160_115_200, 3_290_803_200],
        47_692_800,
    ]


def test_torchvisions_old_names_are_accepted():
    net = network("densedepth161")
    state = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", key): torch.rand_like(
            value.float()
        )
        for key, value in net.state_dict().items()
    }
    old_key = "encoder.original_model.features.denseblock2.denselayer3.conv.2.weight"
    expected = state[old_key].clone()
    net.load_state_dict(state)
    assert torch.equal(net.state_dict()[old_key.replace("conv.2", "conv2")], expected)


@pytest.mark.parametrize("name", ["densedepth161", "mobilenet_v2_depth"])
def test_the_output_is_one_channel_at_half_the_size(name):
    with torch.inference_mode():
        assert network(name)(torch.rand(1, 3, 64, 96)).shape == (1, 1, 32, 48)
