"""Layers whose products are those of another algorithm: their codes, output, gradient, habits."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from mbm_hw import CATALOG, MBM, Exact, FloatExact, ops
from mbm_hw.nn import ApproxConv2d, ApproxLinear, calibrate_, convert_, supports
from mbm_hw.nn.quantize import Fixed, Symmetric
from mbm_hw.ops.algorithms import ALGORITHMS

EXACT16S, MBM16S, MBM8S = Exact(16, signed=True), MBM(16, signed=True), MBM(8, signed=True)
GAINS = {"winograd": (4, 9), "winograd_4x4": (100, 49), "strassen": (2, 2)}
each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@pytest.fixture
def images():
    return torch.randn(3, 4, 10, 9, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def network():
    """3x3, strided, 1x1 and depthwise convolutions, and a linear layer."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(4, 6, 3, padding="same"),
        nn.Conv2d(6, 6, 3, stride=2, bias=False),
        nn.Conv2d(6, 4, 1),
        nn.Conv2d(4, 4, 3, padding=1, groups=4, padding_mode="reflect"),
        nn.Flatten(),
        nn.Linear(4 * 4 * 4, 5),
    ).eval()


NAMES = ["0", "1", "2", "3", "5"]
DOES = {
    "winograd": ["0", "3"],
    "winograd_4x4": ["0", "3"],
    "fft": ["0", "3"],
    "fft_gauss": ["0", "3"],
    "strassen": ["0", "1", "2", "5"],
}


def layer_of(conv, algorithm, spec, x, quantizer=None):
    kind = ApproxLinear if isinstance(conv, nn.Linear) else ApproxConv2d
    layer = kind.from_float(conv, spec, quantizer, algorithm)
    calibrate_(layer, [x])
    return layer


@pytest.mark.parametrize("algorithm", GAINS)
def test_exact_layers_are_quantised_inference_with_smaller_codes(algorithm, images):
    """Codes to (2**15 - 1) // gain, here by torch's own operators in float64."""
    conv = nn.Conv2d(4, 6, 3, padding=1)
    x_max, w_max = (32767 // gain for gain in GAINS[algorithm])
    x_scale = images.abs().max() / x_max
    w_scale = conv.weight.flatten(1).abs().amax(1)[:, None, None, None] / w_max
    x, w = (images / x_scale).round().double(), (conv.weight / w_scale).round().double()
    sums = functional.conv2d(x, w, padding=1).float()
    expected = sums * (x_scale * w_scale[:, 0]) + conv.bias[:, None, None]
    assert torch.equal(layer_of(conv, algorithm, EXACT16S, images)(images), expected)


@each_algorithm
def test_exact_float_layers_are_the_float_network(algorithm, network, images):
    expected = network(images)
    convert_(network, FloatExact(8, 23), algorithm=algorithm)
    assert torch.allclose(network(images), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("spec", [MBM16S, CATALOG["mbm_bf16"]], ids=lambda spec: spec.identifier)
def test_a_layer_is_its_operator_with_rescaled_sums(spec, images):
    conv, is_float = nn.Conv2d(4, 6, 3), spec is not MBM16S
    layer = layer_of(conv, "winograd", spec, images)
    scales = layer.activation_scale, layer.weight_scale[:, None, None, None]
    dtype = torch.float32 if is_float else torch.int16
    quantizers = layer.operand_quantizer, layer.weight_quantizer
    codes = (
        quantizer.codes(value, scale, spec, dtype)
        for quantizer, value, scale in zip(quantizers, (images, conv.weight), scales, strict=True)
    )
    operator = ops.float_conv2d if is_float else ops.conv2d
    sums = operator(*codes, spec, algorithm="winograd") / (1 if is_float else 4)
    expected = sums.float() * (scales[0] * scales[1][:, 0]) + conv.bias[:, None, None]
    assert torch.equal(layer(images), expected)
    assert not torch.equal(layer(images), layer_of(conv, "direct", spec, images)(images))


def test_linear_layers_pair_their_rows_halves():
    x, linear = torch.randn(2, 3, 5), nn.Linear(5, 3)
    layer = layer_of(linear, "strassen", CATALOG["mbm_bf16"], x)
    rounded = (v.detach().bfloat16().float() for v in (x.reshape(6, 5), linear.weight.T))
    sums = ops.float_matmul(*rounded, CATALOG["mbm_bf16"], algorithm="strassen")
    assert torch.equal(layer(x), (sums + linear.bias).reshape(2, 3, 3))


@pytest.mark.parametrize(
    ("algorithm", "spec"),
    [(algorithm, CATALOG["mbm_bf16"]) for algorithm in ALGORITHMS] + [(a, MBM16S) for a in GAINS],
)
def test_the_gradient_is_that_of_fake_quantised_operands(algorithm, spec, images):
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, 3, padding=1)
    layer = layer_of(copy.deepcopy(conv), algorithm, spec, images)
    x = images.clone().requires_grad_()
    y = layer(x)
    weights = torch.randn(y.shape)
    (y * weights).sum().backward()
    steps = layer.activation_scale, layer.weight_scale[:, None, None, None]
    bits = None if spec is MBM16S else torch.bfloat16
    fake_x, fake_w = (
        (v / s).round() * s if bits is None else v.to(bits).float()
        for v, s in zip((images, conv.weight.detach()), steps, strict=True)
    )
    fake_x.requires_grad_()
    fake_w.requires_grad_()
    (functional.conv2d(fake_x, fake_w, conv.bias, padding=1) * weights).sum().backward()
    assert torch.allclose(x.grad, fake_x.grad, rtol=1e-5, atol=1e-5)
    assert torch.allclose(layer.weight.grad, fake_w.grad, rtol=1e-5, atol=1e-5)
    assert torch.allclose(layer.bias.grad, conv.bias.grad, rtol=1e-5)


@each_algorithm
def test_layers_that_an_algorithm_cannot_do_stay_direct_and_say_so(algorithm, network, images):
    spec = CATALOG["mbm_bf16"]
    supported = [name for name in NAMES if supports(algorithm, network.get_submodule(name))]
    assert supported == DOES[algorithm]
    keys = network.state_dict().keys()
    assert convert_(network, spec, algorithm=algorithm) == NAMES
    chosen = {name: network.get_submodule(name).algorithm for name in NAMES}
    assert chosen == {n: algorithm if n in DOES[algorithm] else "direct" for n in NAMES}
    assert str(network).count(f"algorithm={algorithm}") == len(DOES[algorithm])
    assert network.state_dict().keys() == keys
    network(images)


def test_nothing_else_is_supported(network):
    assert not supports("winograd", network)
    assert supports("direct", network[1])
    with pytest.raises(ValueError, match="algorithm must be one of direct, winograd, "):
        supports("toom", network[0])


def test_an_algorithm_stays_unless_another_is_given(network, images):
    convert_(network, MBM16S, algorithm="winograd")
    calibrate_(network, [images])
    state = network.state_dict()
    convert_(network, EXACT16S)
    assert [network.get_submodule(name).algorithm for name in NAMES].count("winograd") == 2
    assert network.state_dict().keys() == state.keys(), "the calibration is kept"
    convert_(network, EXACT16S, algorithm="direct")
    assert {network.get_submodule(name).algorithm for name in NAMES} == {"direct"}
    restored = copy.deepcopy(network)
    restored.load_state_dict(state)


@pytest.mark.parametrize(
    ("spec", "quantizer", "algorithm", "message"),
    [
        (MBM16S, None, "fft", "fft takes float specs"),
        (MBM(6, signed=True), None, "winograd_4x4", "enlarges codes up to 100 and 49 times"),
        (MBM(10, signed=True), Fixed(), "winograd", "needs codes to 255; .* to 127, for them to"),
    ],
)
def test_if_one_layer_cannot_none_is_swapped(spec, quantizer, algorithm, message, network):
    with pytest.raises(ValueError, match=message):
        convert_(network, spec, quantizer=quantizer, algorithm=algorithm)
    assert type(network[0]) is nn.Conv2d


def test_a_single_layer_that_cannot_is_an_error(network):
    with pytest.raises(
        ValueError, match=r"ApproxConv2d: winograd takes 3x3 kernels .*, not 3x3, 6"
    ):
        ApproxConv2d.from_float(network[1], MBM16S, algorithm="winograd")
    with pytest.raises(ValueError, match=r"ApproxLinear: fft takes kernels of more than one pixel"):
        ApproxLinear(4, 4, spec=CATALOG["mbm_bf16"], algorithm="fft")


def test_codes_are_as_large_as_their_growth_allows():
    quantizer = Symmetric(gain=9)
    assert quantizer.qmax(MBM8S) == 14
    assert repr(quantizer) == repr(Symmetric())
    with pytest.raises(ValueError, match="has no codes that may grow 200 times"):
        Symmetric(gain=200).qmax(MBM8S)


@pytest.mark.parametrize(
    ("algorithm", "spec"),
    [("winograd", MBM16S), ("strassen", MBM16S), ("fft", CATALOG["mbm_bf16"])],
)
def test_compiled_layers_give_the_same_bits(algorithm, spec, network, images):
    torch._dynamo.reset()
    convert_(network, spec, algorithm=algorithm)
    calibrate_(network, [images])
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert torch.equal(compiled(images), network(images))
