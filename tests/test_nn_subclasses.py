"""Conversion of subclasses of torch's layers, parametrised and pruned layers among them."""

import copy
import pickle

import pytest
import torch
from small_net import MBM8S
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune
from torch.utils._python_dispatch import TorchDispatchMode

from mbm_hw import Exact
from mbm_hw.nn import ApproxConv2d, ApproxLinear, calibrate_, convert_

EXACT16 = Exact(16, signed=True)


class Inherited(nn.Conv2d):
    """A convolution with torch's forward."""


class Same(nn.Conv2d):
    """A convolution that pads by itself, as those of TensorFlow's networks do."""

    def forward(self, x):
        x = functional.pad(x, (0, 1, 0, 1))
        return functional.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation)


class Standardised(nn.Conv2d):
    """A convolution that standardises its weight in each forward."""

    def forward(self, x):
        std, mean = torch.std_mean(self.weight, (1, 2, 3), keepdim=True)
        return self._conv_forward(x, (self.weight - mean) / std, self.bias)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


def weight_norm(layer):
    return nn.utils.parametrizations.weight_norm(layer)


def pruned(layer):
    return prune.random_unstructured(layer, "weight", 0.5)


CASES = {
    "inherited": lambda: Inherited(3, 4, 3),
    "same": lambda: Same(3, 4, 3),
    "standardised": lambda: Standardised(3, 4, 3, padding=1),
    "weight_norm": lambda: weight_norm(nn.Conv2d(3, 4, 3, padding_mode="reflect", padding=1)),
    "pruned": lambda: pruned(nn.Conv2d(3, 4, 3)),
}


@pytest.fixture(params=CASES)
def layer(request):
    torch.manual_seed(0)
    return CASES[request.param]()


def test_a_converted_subclass_keeps_its_forward(layer):
    network, x = nn.Sequential(layer).eval(), torch.rand(2, 3, 8, 8)
    expected = network(x)
    keys = [*network.state_dict()]
    assert convert_(network, EXACT16, subclasses=True) == ["0"]
    assert isinstance(network[0], ApproxConv2d)
    assert isinstance(network[0], type(layer))
    assert [*network.state_dict()] == keys
    calibrate_(network, [x])
    torch.testing.assert_close(network(x), expected, atol=1e-3, rtol=0)
    assert convert_(network, MBM8S) == ["0"]
    calibrate_(network, [x])
    assert (network(x) - expected).abs().max() > 1e-3


def test_its_gradient_is_that_of_the_exact_layer(layer):
    network, x = nn.Sequential(layer), torch.rand(2, 3, 8, 8)
    parameters = dict(network.named_parameters())
    network(x).square().sum().backward()
    expected = {name: parameter.grad.clone() for name, parameter in parameters.items()}
    network.zero_grad()
    convert_(network, EXACT16, subclasses=True)
    calibrate_(network, [x])
    network(x).square().sum().backward()
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter.grad, expected[name], atol=0.02, rtol=1e-3)


class Calls(TorchDispatchMode):
    """Notes the operators of ours that run."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        if operator.namespace == "mbm_hw":
            self.names.append(operator.name())
        return operator(*arguments, **(keywords or {}))


def test_it_multiplies_once_also_for_its_gradient(layer):
    network, x = nn.Sequential(layer), torch.rand(2, 3, 8, 8)
    convert_(network, MBM8S, subclasses=True)
    calibrate_(network, [x])
    with Calls() as calls:
        network(x)
    assert calls.names == ["mbm_hw::quantized_conv2d"]


@pytest.mark.parametrize("case", ["inherited", "same"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_copies_of_converted_subclasses_are_equal(case, copied):
    network, x = nn.Sequential(CASES[case]()), torch.rand(2, 3, 8, 8)
    convert_(network, MBM8S, subclasses=True)
    calibrate_(network, [x])
    other = copied(network)
    assert type(other[0]) is type(network[0])
    assert torch.equal(other(x), network(x))


def test_linear_subclasses_convert_too():
    network, x = nn.Sequential(Doubled(4, 3)), torch.rand(2, 4)
    expected = network(x)
    convert_(network, EXACT16, subclasses=True)
    assert isinstance(network[0], ApproxLinear)
    calibrate_(network, [x])
    torch.testing.assert_close(network(x), expected, atol=1e-3, rtol=0)


def test_a_subclass_that_multiplies_otherwise_is_not_reached():
    class Other(nn.Linear):
        def forward(self, x):
            return x @ self.weight.t()

    network = nn.Sequential(Other(4, 3))
    convert_(network, MBM8S, subclasses=True)
    with pytest.raises(ValueError, match="never calls the approximate layers 0, so"):
        calibrate_(network, [torch.rand(2, 4)])
