"""Conversion and calibration of networks: what they change, keep and refuse."""

import copy
from collections import UserDict
from operator import itemgetter

import pytest
import torch
from small_net import MBM8S, NAMES, SmallNet, converted
from torch import nn
from torch.nn.utils import prune

from mbm_hw import MBM, Mitchell
from mbm_hw.nn import ApproxConv2d, ApproxLinear, LeftExactWarning, calibrate_, convert_
from mbm_hw.nn.quantize import Fixed, Symmetric


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
    with pytest.raises(TypeError, match=r"spec must be a multiplier spec such as MBM\(8\)"):
        convert_(network, 8)
    with pytest.raises(ValueError, match="no multiplier is called 'mbm8z'"):
        convert_(network, "mbm8z")
    with pytest.raises(ValueError, match=r"limit=255\) needs codes to 255"):
        convert_(network, MBM8S, quantizer=Fixed())
    with pytest.raises(ValueError, match=r"for one use ApproxConv2d.from_float"):
        convert_(network.stem, MBM8S)
    assert type(network.stem) is nn.Conv2d
    with pytest.raises(TypeError, match=r"ApproxConv2d.from_float takes Conv2d itself, not Linear"):
        ApproxConv2d.from_float(network.head[2], MBM8S)
    nn.utils.parametrizations.weight_norm(network.stem)
    with pytest.warns(LeftExactWarning, match=r"stem \(ParametrizedConv2d is parametrised"):
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


class Keywords(nn.Module):
    """A network that takes keywords, as those of language models do."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x=None, mask=None):
        return self.fc(x if mask is None else x * mask)


def test_a_batch_is_a_tensor_a_tuple_or_a_mapping():
    x, mask = torch.rand(2, 4), torch.tensor([1.0, 0, 0, 0])
    batches = [x], [(x, mask)], [{"x": x, "mask": mask}], [UserDict(x=x, mask=mask)], [[x, None]]
    for batch, expected in zip(batches, (x, x * mask, x * mask, x * mask, x), strict=True):
        network = Keywords()
        convert_(network, MBM8S)
        assert calibrate_(network, batch) == ["fc"]
        assert network.fc.activation_amax == expected.max()


def test_labels_are_taken_off_by_a_function_and_asked_for_when_a_forward_refuses(network, images):
    convert_(network, MBM8S)
    loader = [(images, torch.zeros(6))]
    with pytest.raises(
        ValueError,
        match=r"refuses batch 0, a tuple of 2: a tensor \[6, 3, 16, 14\]"
        r".* TypeError: .*; for \(input, label\) batches give inputs=",
    ):
        calibrate_(network, loader)
    assert network.stem.activation_amax is None
    assert calibrate_(network, loader, inputs=itemgetter(0)) == NAMES


def test_calibration_leaves_the_batches_as_they_are():
    class Normalised(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(x.sub_(0.5))

    network, x = Normalised(), torch.rand(2, 4)
    convert_(network, MBM8S)
    before = x.clone()
    calibrate_(network, [x, (x,), {"x": x}])
    assert torch.equal(x, before)
    assert network.fc.activation_amax == (x - 0.5).abs().max()


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
