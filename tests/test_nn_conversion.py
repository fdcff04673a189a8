"""Conversion and calibration of networks: what they change, keep and refuse."""

import copy

import pytest
import torch
from small_net import MBM8S, NAMES, SmallNet, converted
from torch import nn
from torch.nn.utils import prune

from mbm_hw import MBM, Mitchell
from mbm_hw.nn import ApproxConv2d, ApproxLinear, calibrate_, convert_
from mbm_hw.quantize import Fixed, Symmetric


def test_convert_swaps_in_place_and_returns_the_names(network):
    weight, norm = network.stem.weight, network.norm
    assert convert_(network, MBM8S) == NAMES
    assert isinstance(network.stem, ApproxConv2d)
    assert isinstance(network.stem, nn.Conv2d)
    assert isinstance(network.head[2], ApproxLinear)
    assert network.twice is network.again
    assert network.stem.weight is weight
    assert network.norm is norm
    assert not network.stem.training
    assert "spec=mbm8s, quantizer=Symmetric(percentile=100.0)" in repr(network.stem)


def test_convert_asks_the_filter(network):
    asked = []

    def only_head(module, name):
        asked.append((type(module), name))
        return name.startswith("head.")

    assert convert_(network, MBM8S, only_head) == ["head.2"]
    assert [name for _, name in asked] == NAMES
    assert type(network.stem) is nn.Conv2d


def test_converting_again_keeps_calibration_and_quantizer(network, images):
    network = converted(network, images, quantizer=Symmetric(percentile=99.0))
    amax = network.stem.activation_amax
    expected = converted(copy.deepcopy(network), images, MBM(12, signed=True))(images)
    assert convert_(network, MBM(12, signed=True)) == NAMES
    assert network.stem.quantizer == Symmetric(percentile=99.0)
    assert network.stem.activation_amax is amax
    assert torch.equal(network(images), expected)
    convert_(network, MBM8S, quantizer=Symmetric())
    with pytest.raises(RuntimeError, match=r"layer 'stem', .*calibrate_"):
        network(images)


def test_convert_refuses_what_it_cannot_do(network):
    with pytest.raises(ValueError, match="layers need signed operands: mbm8s, not mbm8"):
        convert_(network, MBM(8))
    with pytest.raises(ValueError, match="4 to 16 bits"):
        convert_(network, MBM(20, signed=True))
    with pytest.raises(TypeError, match="spec must be an integer multiplier spec"):
        convert_(network, "mbm8s")
    with pytest.raises(ValueError, match=r"limit=255\) needs codes to 255"):
        convert_(network, MBM8S, quantizer=Fixed())
    with pytest.raises(ValueError, match=r"for one use ApproxConv2d.from_float"):
        convert_(network.stem, MBM8S)
    assert type(network.stem) is nn.Conv2d
    with pytest.raises(TypeError, match=r"ApproxConv2d.from_float takes Conv2d itself, not Linear"):
        ApproxConv2d.from_float(network.head[2], MBM8S)
    nn.utils.parametrizations.weight_norm(network.stem)
    assert convert_(network, MBM8S) == NAMES[1:]
    network = SmallNet()
    prune.identity(network.stem, "weight")
    with pytest.raises(ValueError, match=r"plain weight .* pruning and the like first"):
        convert_(network, MBM8S)
    assert type(network.head[2]) is nn.Linear


def test_hooks_survive_conversion(network, images):
    seen = []
    handle = network.stem.register_forward_hook(lambda *_: seen.append("stem"))
    converted(network, images)
    network(images)
    assert seen == ["stem"] * 3
    handle.remove()
    network(images)
    assert len(seen) == 3


def test_a_layer_can_be_made_without_a_float_one():
    layer = ApproxConv2d(3, 4, 3, padding=1, spec=MBM8S)
    x = torch.randn(1, 3, 5, 5)
    calibrate_(layer, [x])
    assert layer(x).shape == (1, 4, 5, 5)
    with pytest.raises(ValueError, match="signed operands: mitchell8s"):
        ApproxLinear(3, 4, spec=Mitchell(8))


def test_calibration_observes_the_float_network(network, images):
    seen = {}
    for name in NAMES:
        network.get_submodule(name).register_forward_pre_hook(
            lambda _, inputs, name=name: seen.setdefault(name, []).append(inputs[0].abs().max())
        )
    network(images[:4]), network(images[4:])
    expected = {name: max(values) for name, values in seen.items()}
    running = network.norm.running_mean.clone()
    network.train()
    assert converted(network, images) is network
    assert network.training
    assert network.norm.training
    assert torch.equal(network.norm.running_mean, running)
    for name, amax in expected.items():
        assert network.get_submodule(name).activation_amax == amax


def test_calibration_takes_tuples_and_names_what_it_reached(network, images, device):
    network.unused = nn.Linear(3, 3, device=device)
    convert_(network, MBM8S)
    assert calibrate_(network, ((batch,) for batch in images.split(2))) == NAMES
    with pytest.raises(RuntimeError, match=r"layer 'unused'"):
        network.unused(torch.zeros(1, 3, device=device))


def test_calibration_refuses_and_then_changes_nothing(network, images):
    with pytest.raises(ValueError, match="convert_ it first"):
        calibrate_(network, [images])
    convert_(network, MBM8S)
    with pytest.raises(ValueError, match="at least one batch, not none"):
        calibrate_(network, [])
    with pytest.raises(ValueError, match=r"layer 'stem': activations must be finite"):
        calibrate_(network, [images, images / 0])
    with pytest.raises(RuntimeError, match=r"layer 'stem', .* is not calibrated: run"):
        network(images)
