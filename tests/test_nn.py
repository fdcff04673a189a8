"""Converted networks against torch's own arithmetic, and the habits of an nn.Module."""

import copy
import pickle

import pytest
import torch
from devices import run
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

from mbm_hw import MBM, Exact, Mitchell, Table, ops, product_table
from mbm_hw.nn import ApproxConv2d, ApproxLinear, calibrate_, convert_
from mbm_hw.quantize import Fixed, Symmetric

INT8, MBM8S = Exact(8, signed=True), MBM(8, signed=True)
MBM8S_TABLE = Table(product_table(MBM8S), signed=True)
SIGN_MAGNITUDE = Table(product_table(MBM(8)), sign_magnitude=True)


class SmallNet(nn.Module):
    """Convolutions of every kind, a linear layer, and one layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8, bias=False)
        self.twice = nn.Conv2d(8, 8, 1)
        self.again = self.twice
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5))

    def forward(self, x):
        x = functional.relu(self.norm(self.stem(x)))
        x = functional.relu(self.again(self.twice(self.depthwise(x))))
        return self.head(x)


NAMES = ["stem", "depthwise", "twice", "head.2"]


@pytest.fixture
def images(device):
    return torch.randn(6, 3, 16, 14, generator=torch.Generator().manual_seed(5)).to(device)


@pytest.fixture
def network(device):
    torch.manual_seed(0)
    return SmallNet().eval().to(device)


def converted(network, images, spec=MBM8S, **arguments):
    convert_(network, spec, **arguments)
    calibrate_(network, [images[:4], images[4:]])
    return network


def one_layer(layer, x, spec=MBM8S, quantizer=None):
    layer = (
        type(layer).from_float(layer, spec, quantizer)
        if isinstance(layer, (ApproxConv2d, ApproxLinear))
        else {nn.Conv2d: ApproxConv2d, nn.Linear: ApproxLinear}[type(layer)].from_float(
            layer, spec, quantizer
        )
    )
    calibrate_(layer, [x])
    return layer.eval()


def int8_inference(layer, x, qmax, product_sum):
    """Return the output of quantised inference as a textbook has it, in torch's own operators."""
    scale_x = x.abs().max() / qmax
    flat = layer.weight.flatten(1).abs().amax(1) / qmax
    scale_w = flat.reshape(-1, *[1] * (layer.weight.ndim - 1))
    codes_x = torch.clamp(torch.round(x / scale_x), -qmax, qmax).double()
    codes_w = torch.clamp(torch.round(layer.weight / scale_w), -qmax, qmax).double()
    sums = product_sum(codes_x, codes_w).float()
    channels = (1, -1, 1, 1) if x.ndim == 4 else (-1,)
    y = sums * (scale_x * flat).reshape(channels)
    return y if layer.bias is None else y + layer.bias.reshape(channels)


@pytest.mark.parametrize("width", [4, 8, 12, 16])
@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_size": 3},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)},
        {"kernel_size": 3, "padding": 1, "groups": 2, "bias": False},
        {"kernel_size": 1},
    ],
)
def test_exact_convolution_is_ordinary_quantised_inference(arguments, width, device):
    torch.manual_seed(1)
    conv, x = nn.Conv2d(6, 8, **arguments), torch.randn(3, 6, 9, 10)
    layer = one_layer(conv, x, Exact(width, signed=True))
    geometry = (None, conv.stride, conv.padding, conv.dilation, conv.groups)
    expected = int8_inference(
        conv, x, 2 ** (width - 1) - 1, lambda a, b: functional.conv2d(a, b, *geometry)
    )
    assert torch.equal(run(layer.to(device), device, x), expected)


@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("shape", [(12,), (7, 12), (2, 3, 12)])
def test_exact_linear_is_ordinary_quantised_inference(shape, width, device):
    torch.manual_seed(1)
    linear, x = nn.Linear(12, 5), torch.randn(shape)
    layer = one_layer(linear, x, Exact(width, signed=True))
    expected = int8_inference(linear, x, 2 ** (width - 1) - 1, functional.linear)
    assert torch.equal(run(layer.to(device), device, x), expected)


def test_exact_network_is_close_to_the_float_network(network, images):
    expected = network(images)
    assert (
        converted(network, images, Exact(16, signed=True))(images) - expected
    ).abs().max() < 1e-3


@pytest.mark.parametrize("spec", [MBM8S, MBM(16, signed=True), MBM8S_TABLE, SIGN_MAGNITUDE])
def test_layers_multiply_as_the_spec_does(spec, device):
    torch.manual_seed(2)
    conv, x = nn.Conv2d(4, 6, 3, padding=1), torch.randn(2, 4, 7, 7)
    layer = one_layer(conv, x, spec)
    qmax, dtype = 2 ** (spec.width - 1) - 1, ops.code_dtype(spec)
    expected = int8_inference(
        conv, x, qmax, lambda a, b: ops.conv2d(a.to(dtype), b.to(dtype), spec, padding=1)
    )
    actual = run(layer.to(device), device, x)
    assert torch.equal(actual, expected)
    exact = one_layer(conv, x, Exact(spec.width, signed=True))
    assert not torch.equal(actual, exact(x))


def test_fixed_quantizer_saturates_and_needs_no_calibration(device):
    conv, x = nn.Conv2d(1, 1, 1, bias=False), torch.tensor([[[[0.1, 0.2555, 7.0, -1.0]]]])
    with torch.no_grad():
        conv.weight.fill_(-0.1234)
    layer = ApproxConv2d.from_float(conv, Exact(9, signed=True), Fixed())
    codes = torch.tensor([100.0, 255, 255, -255])
    expected = -123 * codes * (torch.tensor(1 / 1000) * torch.tensor(1 / 1000))
    assert torch.equal(run(layer.to(device), device, x).flatten(), expected)
    assert calibrate_(layer, [x.to(device)]) == []
    assert list(layer.state_dict()) == ["weight"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_size": 3, "padding": 1, "padding_mode": "circular"},
        {"kernel_size": 3, "padding": (2, 1), "padding_mode": "reflect"},
        {"kernel_size": (2, 3), "padding": "same", "padding_mode": "replicate"},
        {"kernel_size": (4, 3), "padding": "same", "dilation": (1, 2)},
        {"kernel_size": 2, "padding": "valid"},
    ],
)
def test_every_padding_of_conv2d_is_there(arguments, device):
    torch.manual_seed(3)
    conv, x = nn.Conv2d(3, 4, **arguments), torch.randn(2, 3, 8, 9)
    layer = one_layer(conv, x, Exact(16, signed=True))
    expected = conv(x)
    torch.testing.assert_close(run(layer.to(device), device, x), expected, atol=1e-3, rtol=0)


def test_unbatched_inputs_are_taken():
    conv, x = nn.Conv2d(3, 4, 3), torch.randn(2, 3, 8, 9)
    layer = one_layer(conv, x)
    assert torch.equal(layer(x[1]), layer(x)[1])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floating_dtypes_compute_in_float32(dtype, network, images):
    network = converted(network, images)
    layer = network.stem
    expected = layer(images.to(dtype).float()).to(dtype)
    assert torch.equal(layer(images.to(dtype)), expected)
    amax = layer.activation_amax.clone()
    layer.to(dtype)
    assert layer.weight.dtype == dtype
    assert (layer.activation_amax.dtype, layer.activation_amax) == (torch.float32, amax)
    assert layer(images.to(dtype)).dtype == dtype


def test_autocast_changes_nothing(network, images, device):
    layer = converted(network, images).stem
    expected = layer(images)
    expected.sum().backward()
    gradient = layer.weight.grad.clone()
    layer.zero_grad()
    with torch.autocast(device.type, dtype=torch.bfloat16):
        y = layer(images)
    assert torch.equal(y, expected)
    y.sum().backward()
    assert torch.equal(layer.weight.grad, gradient)


def test_inputs_that_are_no_images_are_refused(network, images, device):
    network = converted(network, images)
    with pytest.raises(TypeError, match=r"ApproxConv2d takes a floating input, not torch.int64"):
        network.stem(images.long())
    with pytest.raises(ValueError, match=r"\[N, C, H, W\] or \[C, H, W\], not \[16, 14\]"):
        network.stem(images[0, 0])
    with pytest.raises(ValueError, match=r"ApproxLinear takes \[..., 32\], not \[2, 31\]"):
        network.head[2](torch.zeros(2, 31, device=device))


# Conversion


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


# Calibration


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


@pytest.mark.parametrize("spec", [MBM8S, MBM8S_TABLE], ids=["mbm8s", "table"])
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
    for other in (Mitchell(8, signed=True), Table(product_table(INT8), signed=True)):
        convert_(network, other)
        assert torch.equal(compiled(images), network(images)), "the compiled one has the old spec"


def test_inductor_gives_the_same_bits(network, images):
    network = converted(network, images)
    with torch.no_grad():
        compiled = torch.compile(network.stem, fullgraph=True)
        assert torch.equal(compiled(images), network.stem(images))
