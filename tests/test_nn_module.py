"""Gradients of converted layers, and the habits of an nn.Module."""

import copy
import pickle

import pytest
import torch
from small_net import MBM8S, MBM8S_TABLE, NAMES, SmallNet, converted, one_layer
from torch import nn
from torch.nn import functional

from mbm_hw import MBM, Exact, FloatMBM, Mitchell, Table, product_table
from mbm_hw.nn import calibrate_, convert_

# Gradients


@pytest.mark.parametrize("groups", [1, 2])
def test_the_gradient_is_that_of_the_fake_quantised_float_layer(groups, device):
    torch.manual_seed(4)
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=groups).to(device)
    x = torch.randn(2, 4, 7, 7).to(device)
    layer = one_layer(conv, x / 2)  # so that half of the values are clipped
    x.requires_grad_()
    gradient = torch.randn(2, 6, 4, 4).to(device)
    layer(x).backward(gradient)

    scale_x, scale_w = x.detach().abs().max() / 2 / 127, layer.weight_scale.reshape(-1, 1, 1, 1)
    steps = x.detach() / scale_x
    fake_x = (steps.round().clamp(-127, 127) * scale_x).requires_grad_()
    fake_w = ((conv.weight.detach() / scale_w).round() * scale_w).requires_grad_()
    y = functional.conv2d(fake_x, fake_w, None, conv.stride, conv.padding, 1, groups)
    y.backward(gradient)
    inside = steps.round().abs() <= 127
    assert 0 < inside.float().mean() < 1
    torch.testing.assert_close(x.grad, fake_x.grad * inside)
    torch.testing.assert_close(layer.weight.grad, fake_w.grad)
    torch.testing.assert_close(layer.bias.grad, gradient.sum((0, 2, 3)))


def test_gradients_do_not_change_the_output(network, images):
    network = converted(network, images)
    with torch.no_grad():
        expected = network(images)
    assert torch.equal(network(images), expected)
    with torch.inference_mode():
        assert torch.equal(network(images), expected)


@pytest.mark.parametrize("spec", [MBM8S, MBM(4, signed=True), MBM(12, signed=True)])
def test_training_lowers_the_loss(network, images, spec, device):
    network = converted(network, images, spec).train()
    labels = torch.tensor([0, 1, 2, 3, 4, 0], device=device)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0], losses


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Hardswish, nn.SiLU, nn.Sigmoid])
@pytest.mark.parametrize("spec", [MBM8S, MBM8S_TABLE, FloatMBM(8, 7)], ids=str)
def test_in_place_activations_train_as_others_do(activation, spec, device):
    """AlexNet, VGG, MobileNetV3 and their like have `Conv2d` before an in-place activation."""
    in_place = activation != nn.Sigmoid  # which torch has only as a function
    gradients = []
    for inplace in (False, True):
        torch.manual_seed(0)
        act = (
            activation(inplace=inplace)
            if in_place
            else (torch.sigmoid_ if inplace else torch.sigmoid)
        )
        layers = nn.Conv2d(1, 4, 3), nn.Linear(6, 3)
        network = nn.ModuleList(layers).to(device)
        x = torch.rand(2, 1, 8, 8).to(device)

        def forward(x, network=network, act=act):
            return act(network[1](act(network[0](x))))

        network.forward = forward
        convert_(network, spec)
        calibrate_(network, [x])
        loss = network(x).square().sum()
        loss.backward()
        gradients.append([loss, *(p.grad for p in network.parameters())])
    for plain, inplace in zip(*gradients, strict=True):
        assert torch.equal(plain, inplace)


def test_changed_weights_count_at_once(network, images):
    layer = converted(network, images).stem
    before = layer(images)
    layer.weight.data.mul_(2)
    assert torch.allclose(
        layer(images) - layer.bias[:, None, None], 2 * (before - layer.bias[:, None, None])
    )


# The habits of an nn.Module


def test_state_dict_round_trips(network, images, device):
    floats = copy.deepcopy(network.state_dict())
    network = converted(network, images)
    expected, state = network(images), network.state_dict()
    assert state.keys() - floats.keys() == {f"{n}.activation_amax" for n in [*NAMES, "again"]}
    for other in (SmallNet(), SmallNet()):
        convert_(other.to(device), MBM8S)
        assert other.load_state_dict(state) == ([], [])
        assert torch.equal(other.eval()(images), expected)
    ranges = {key: value for key, value in state.items() if key.endswith("amax")}
    other = SmallNet()
    convert_(other.to(device), MBM8S)
    assert other.load_state_dict(floats) == ([], [])
    other.load_state_dict(ranges, strict=False)
    assert torch.equal(other.eval()(images), expected)
    assert other.load_state_dict(floats) == ([], [])
    assert torch.equal(other(images), expected)


@pytest.mark.parametrize("spec", [MBM8S, MBM8S_TABLE], ids=["mbm8s", "table"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_copies_are_equal_and_independent(network, images, spec, copied):
    network = converted(network, images, spec)
    expected = network(images)
    other = copied(network)
    assert torch.equal(other(images), expected)
    with torch.no_grad():
        other.stem.weight.zero_()
    calibrate_(other, [images * 2])
    assert torch.equal(network(images), expected)
    assert not torch.equal(other(images), expected)


def test_train_and_eval_are_torchs(network, images):
    network = converted(network, images)
    expected = network(images)
    assert not torch.equal(network.train()(images), expected)  # batch statistics
    network.norm.load_state_dict(SmallNet().norm.state_dict())
    assert torch.equal(network.eval()(images), expected)
    assert not network.stem.training


@pytest.mark.parametrize(
    "spec", [MBM8S, MBM8S_TABLE, FloatMBM(8, 7)], ids=["mbm8s", "table", "mbm_bf16"]
)
def test_compiled_networks_give_the_same_bits(network, images, spec):
    network = converted(network, images, spec)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    expected = network(images)
    expected.sum().backward()
    gradient = network.stem.weight.grad.clone()
    network.zero_grad()
    y = compiled(images)
    y.sum().backward()
    assert torch.equal(y, expected)
    torch.testing.assert_close(network.stem.weight.grad, gradient)
    table = Table(product_table(Exact(8, signed=True)), signed=True)
    for other in (Mitchell(8, signed=True), table, FloatMBM(5, 10)):
        converted(network, images, other)
        assert torch.equal(compiled(images), network(images)), "the compiled one has the old spec"


def test_inductor_gives_the_same_bits(inductor, network, images):
    network = converted(network, images)
    with torch.no_grad():
        compiled = torch.compile(network.stem, fullgraph=True, backend=inductor)
        assert torch.equal(compiled(images), network.stem(images))
