"""Approximate layers that a forward never calls, and layers that conversion leaves exact."""

import pytest
import torch
from small_net import MBM8S
from torch import nn
from torch.nn import functional

from mbm_hw import Exact, FloatMBM
from mbm_hw.nn import ApproxLinear, LeftExactWarning, calibrate_, convert_, coverage, left_exact
from mbm_hw.nn.quantize import Fixed

EXACT16 = Exact(16, signed=True)


class Listed(nn.Module):
    """A network that keeps its layer in a plain list, which conversion does not see."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.steps = [self.conv]

    def forward(self, x):
        return self.steps[0](x)


class Functional(Listed):
    """A network that uses its layer's weight and never calls the layer."""

    def forward(self, x):
        return functional.conv2d(x, self.conv.weight, self.conv.bias)


class Auxiliary(Listed):
    """A network with a layer that runs in training only, behind norm and dropout."""

    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.head = nn.BatchNorm2d(4), nn.Dropout(), nn.Linear(4, 2)

    def forward(self, x):
        x = self.drop(self.norm(self.conv(x)))
        return self.head(x.mean((2, 3))) if self.training else x


def encoder(**options):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, **options)
    return nn.TransformerEncoder(layer, 2).eval()


@pytest.mark.filterwarnings("ignore::mbm_hw.nn.LeftExactWarning")
@pytest.mark.parametrize("spec", [MBM8S, FloatMBM(8, 7)], ids=["mbm8s", "mbm_bf16_plain"])
@pytest.mark.parametrize("mask", [None, torch.arange(5) > torch.tensor([[4], [2]])])
def test_transformers_with_approximate_layers_leave_the_fused_forward(spec, mask):
    network, x = encoder(), torch.randn(2, 5, 16)
    batch = {"src": x, "src_key_padding_mask": mask}
    before = coverage(network, batch)
    assert before.uncounted == ()
    with torch.no_grad():
        exact = network(**batch)
        names = convert_(network, spec)
        assert names == [f"layers.{i}.linear{j}" for i in (0, 1) for j in (1, 2)]
        calibrate_(network, [batch])
        approximate = network(**batch)
    kept = slice(None) if mask is None else ~mask
    assert not torch.equal(approximate[kept], exact[kept])
    # With gradients the attention takes torch's plain forward too, which rounds differently.
    torch.testing.assert_close(network(**batch)[kept], approximate[kept], atol=0.02, rtol=0)
    after = coverage(network, batch)
    assert after.approximate == 2 * 2 * (10 * 16 * 32)
    assert after.total == before.total


def test_transformers_without_approximate_layers_keep_it():
    network = nn.ModuleDict({"encoder": encoder(), "fc": nn.Linear(16, 2)})
    convert_(network, MBM8S, lambda module, name: name == "fc")
    assert network["encoder"].use_nested_tensor
    assert network["encoder"].layers[0].activation_relu_or_gelu


@pytest.mark.parametrize("spec", [MBM8S, FloatMBM(8, 7)], ids=["mbm8s", "mbm_bf16_plain"])
@pytest.mark.parametrize("kind", [Listed, Functional, Auxiliary])
def test_calibration_names_layers_that_no_batch_reached(kind, spec):
    network, x = kind(), torch.rand(2, 3, 6, 6)
    convert_(network, spec)
    unreached = "head" if kind is Auxiliary else "conv"
    if kind is Auxiliary:
        network.steps[0] = network.conv
    with pytest.raises(ValueError, match=f"never calls the approximate layers {unreached}, so"):
        calibrate_(network, [x, x])
    reached = ["conv"] if kind is Auxiliary and spec is MBM8S else []
    assert calibrate_(network, [x], allow_unreached=True) == reached


def test_layers_of_training_are_calibrated_in_training_mode():
    network, x = Auxiliary(), torch.rand(2, 3, 6, 6)
    x[0] *= 10
    convert_(network, MBM8S)
    network.steps[0] = network.conv
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert calibrate_(network, [x], training=True) == ["conv", "head"]
    for name, tensor in state.items():
        assert torch.equal(network.state_dict()[name], tensor), name
    with torch.no_grad():
        features = network.norm.eval()(functional.conv2d(x, network.conv.weight, network.conv.bias))
    assert network.head.activation_amax == features.mean((2, 3)).abs().max()  # no dropout
    network.train()(x).sum().backward()


def test_calibration_needs_one_batch_where_no_layer_needs_a_range():
    network, seen = nn.Sequential(nn.Linear(3, 3)), []
    network.register_forward_pre_hook(lambda *_: seen.append(1))
    convert_(network, Exact(9, signed=True), quantizer=Fixed())
    assert calibrate_(network, [torch.rand(1, 3)] * 5) == []
    assert len(seen) == 1


def test_layers_that_stay_exact_are_named_with_the_reason():
    class Same(nn.Conv2d):
        pass

    network = nn.ModuleDict(
        {
            "up": nn.ConvTranspose2d(2, 2, 2),
            "rnn": nn.LSTM(2, 2),
            "attention": nn.MultiheadAttention(4, 2),
            "pair": nn.Bilinear(2, 2, 2),
            "same": Same(2, 2, 2),
            "norm": nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 2, 2)),
            "traced": torch.jit.trace(nn.Linear(2, 2), torch.rand(1, 2)),
            "fc": nn.Linear(2, 2),
        }
    )
    expected = {
        "up": "there is no approximate ConvTranspose2d",
        "rnn": "there is no approximate LSTM",
        "attention": "there is no approximate MultiheadAttention",
        "attention.out_proj": "MultiheadAttention uses its weight without calling it",
        "pair": "there is no approximate Bilinear",
        "same": "Same is a subclass of Conv2d: subclasses=True converts it",
        "norm": "ParametrizedConv2d is parametrised: subclasses=True converts it",
        "traced": "TorchScript cannot be changed: convert the network before it is scripted or "
        "traced",
    }
    assert left_exact(network) == expected
    with pytest.warns(LeftExactWarning, match="leaves exact: up .*; and 3 more"):
        assert convert_(network, MBM8S) == ["fc"]
    with pytest.warns(LeftExactWarning, match=r"leaves exact: same \(Same is a subclass"):
        convert_(network, MBM8S, lambda module, name: name == "same")
    with pytest.warns(LeftExactWarning, match="leaves exact: up .*; and 1 more"):
        assert convert_(network, MBM8S, subclasses=True) == ["same", "norm", "fc"]


def test_a_network_without_layers_to_swap_is_named():
    exported = torch.export.export(nn.Sequential(nn.Linear(2, 2)), (torch.rand(1, 2),)).module()
    with pytest.warns(LeftExactWarning, match="it has no convolution and no linear layer"):
        assert convert_(exported, MBM8S) == []


def test_a_layer_used_by_keyword_runs():
    network = nn.ModuleDict({"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(3, 4)})
    convert_(network, FloatMBM(8, 7))
    assert network["conv"](input=torch.rand(1, 3, 4, 4)).shape == (1, 4, 2, 2)
    assert network["fc"](input=torch.rand(1, 3)).shape == (1, 4)
    with pytest.raises(TypeError, match="spec must be a multiplier spec"):
        ApproxLinear(3, 4, spec=None)
    assert ApproxLinear(3, 4, spec="mbm8s").spec == MBM8S
