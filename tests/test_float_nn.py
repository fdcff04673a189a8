"""Layers with float specs: their rounding against NumPy and torch, their output, their habits."""

import copy
import pickle

import numpy as np
import pytest
import torch
from devices import BACKENDS, on, run
from float_patterns import rounded
from hypothesis import given, settings
from hypothesis import strategies as st
from small_net import NAMES, SmallNet
from torch import nn
from torch.nn import functional

from mbm_hw import CATALOG, MBM, FloatExact, FloatMitchell, ops
from mbm_hw.nn import ApproxConv2d, ApproxLinear, calibrate_, convert_
from mbm_hw.nn.quantize import Symmetric
from mbm_hw.ops import round_to_format

MBM_BF16, MBM8S = CATALOG["mbm_bf16"], MBM(8, signed=True)
FP32 = FloatExact(8, 23)
FORMATS = [(8, 23), (8, 7), (5, 10), (8, 10), (4, 3), (5, 2), (2, 1), (7, 16), (8, 1), (2, 23)]


# Rounding


def check_rounding(patterns, exponent_bits, mantissa_bits):
    x = patterns.astype(np.uint32).view(np.float32)
    expected = rounded(x, exponent_bits, mantissa_bits)
    for backend in BACKENDS:
        with on(backend) as device:
            actual = run(round_to_format, device, torch.from_numpy(x), exponent_bits, mantissa_bits)
        actual = actual.numpy()
        assert np.array_equal(np.isnan(actual), np.isnan(x))
        same = (actual.view(np.uint32) == expected.view(np.uint32)) | np.isnan(x)
        wrong = x[~same], actual[~same], expected[~same]
        assert same.all(), f"{backend}: {wrong[0][0]!r} became {wrong[1][0]!r}, not {wrong[2][0]!r}"


@pytest.mark.parametrize("bits", FORMATS)
def test_rounding_of_all_exponents_with_mantissas_about_the_ties(bits):
    dropped = 23 - bits[1]
    kept = np.array([0, 1, 2, (1 << bits[1]) // 2, (1 << bits[1]) - 2, (1 << bits[1]) - 1])
    half = (1 << dropped) // 2
    mantissas = np.unique((kept[:, None] << dropped) + [0, 1, half - 1, half, half + 1, -1])
    mantissas &= 0x7FFFFF
    check_rounding((np.arange(512)[:, None] << 23 | mantissas).flatten(), *bits)


@settings(max_examples=100, deadline=None)
@given(bits=st.sampled_from(FORMATS), seed=st.integers(0, 2**32 - 1))
def test_rounding_of_any_pattern(bits, seed):
    check_rounding(np.random.default_rng(seed).integers(0, 2**32, 20_000), *bits)


@pytest.mark.parametrize(("bits", "dtype"), [((8, 7), torch.bfloat16), ((5, 10), torch.float16)])
def test_rounding_to_normal_numbers_is_torchs(bits, dtype):
    x = torch.randn(100_000, generator=torch.Generator().manual_seed(1)) * 100
    expected = x.to(dtype).float()
    normal = expected.abs() >= torch.finfo(dtype).tiny
    assert torch.equal(round_to_format(x, *bits)[normal], expected[normal])


def test_rounding_refuses_what_it_cannot_round():
    with pytest.raises(TypeError, match=r"x must be torch.float32, not torch.float64"):
        round_to_format(torch.zeros(2).double(), 8, 7)
    with pytest.raises(ValueError, match="2 to 8 exponent and 1 to 23 mantissa bits, not 9 and 7"):
        round_to_format(torch.zeros(2), 9, 7)


def test_rounding_is_a_proper_operator(device):
    x = torch.randn(5, 4).to(device).t()
    torch.library.opcheck(torch.ops.mbm_hw.round_to_format.default, (x, 8, 7))


def test_rounding_takes_any_strides_and_no_values(device):
    x = torch.randn(4, 6, 5).to(device).permute(2, 0, 1)[::2]
    assert torch.equal(round_to_format(x, 8, 7), x.bfloat16().float())
    assert round_to_format(torch.empty(0, 3, device=device), 5, 10).shape == (0, 3)
    assert round_to_format(torch.tensor(1.001, device=device), 8, 7) == 1.0


# Layers


def to_format(spec, x):
    return round_to_format(x, spec.exponent_bits, spec.mantissa_bits)


@pytest.mark.parametrize(
    "name", ["mbm_bf16", "mitchell_fp16", "mbm_fp32", "exact_bf16", "mbm_fp32_t20"]
)
def test_a_convolution_is_the_operator_on_rounded_operands_plus_bias(name, images, device):
    spec = CATALOG[name]
    torch.manual_seed(1)
    conv = nn.Conv2d(3, 6, (3, 2), (2, 1), (1, 2), (1, 2)).to(device)
    layer = ApproxConv2d.from_float(conv, spec)
    geometry = (conv.stride, conv.padding, conv.dilation)
    sums = ops.float_conv2d(to_format(spec, images), to_format(spec, conv.weight), spec, *geometry)
    assert torch.equal(layer(images), sums + conv.bias[:, None, None])
    assert torch.equal(layer(images[1]), layer(images)[1])
    torch.testing.assert_close(layer(images), conv(images), atol=0.4, rtol=0.3)
    assert not torch.equal(layer(images), conv(images))


@pytest.mark.parametrize("shape", [(12,), (7, 12), (2, 3, 12)])
def test_a_linear_layer_is_the_operator_on_rounded_operands_plus_bias(shape, device):
    torch.manual_seed(1)
    linear, x = nn.Linear(12, 5, device=device), torch.randn(shape, device=device)
    layer = ApproxLinear.from_float(linear, MBM_BF16)
    rows = to_format(MBM_BF16, x.reshape(-1, 12))
    sums = ops.float_matmul(rows, to_format(MBM_BF16, linear.weight).t(), MBM_BF16)
    assert torch.equal(layer(x), (sums + linear.bias).reshape(*shape[:-1], 5))


def test_exact_fp32_is_the_float_network(network, images):
    expected = network(images)
    convert_(network, FP32)
    torch.testing.assert_close(network(images), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floating_dtypes_compute_in_float32(dtype, network, images, device):
    convert_(network, MBM_BF16)
    expected = network.stem(images.to(dtype).float()).to(dtype)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        assert torch.equal(network.stem(images.to(dtype)), expected)


@pytest.mark.parametrize("mode", ["circular", "reflect"])
def test_every_padding_of_conv2d_is_there(mode, images, device):
    conv = nn.Conv2d(3, 4, 3, padding="same", padding_mode=mode, device=device)
    layer = ApproxConv2d.from_float(conv, FP32)
    torch.testing.assert_close(layer(images), conv(images), atol=1e-5, rtol=1e-5)


def test_overflow_and_underflow_are_the_formats(device):
    layer = ApproxLinear(1, 1, bias=False, spec=FloatMitchell(5, 10)).to(device)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    x = torch.tensor([65504.0, 65519.0, 65520.0, 2.0**-14, 2.0**-15, float("nan")])[:, None].to(
        device
    )
    expected = [65504.0, 65504.0, float("inf"), 2.0**-14, 0.0]
    assert layer(x)[:5].flatten().tolist() == expected
    assert layer(x)[5].isnan()


def test_convert_takes_float_specs_and_needs_no_calibration(network, images):
    assert convert_(network, MBM_BF16) == NAMES
    assert "spec=mbm_bf16_lsb)" in repr(network.stem)
    y = network(images)
    assert calibrate_(network, [images]) == []
    assert torch.equal(network(images), y)
    with pytest.raises(TypeError, match=r"a floating input, not torch.int64"):
        network.stem(images.long())


def test_changing_between_formats_keeps_the_calibration(network, images):
    convert_(network, MBM8S, quantizer=Symmetric(percentile=99.0))
    calibrate_(network, [images])
    expected = network(images)
    convert_(network, MBM_BF16)
    assert not torch.equal(network(images), expected)
    convert_(network, MBM8S)
    assert network.stem.quantizer == Symmetric(percentile=99.0)
    assert torch.equal(network(images), expected)


def test_networks_may_mix_integer_and_float_layers(network, images):
    convert_(network, MBM8S, lambda module, name: name == "stem")
    convert_(network, MBM_BF16, lambda module, name: name != "stem")
    assert calibrate_(network, [images]) == ["stem"]
    assert network(images).isfinite().all()


@pytest.mark.parametrize("name", ["mbm_bf16", "mitchell_fp16"])
def test_the_gradient_is_that_of_the_float_layer_on_rounded_operands(name, device):
    torch.manual_seed(4)
    spec = CATALOG[name]
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2).to(device)
    layer = ApproxConv2d.from_float(conv, spec)
    x = torch.randn(2, 4, 7, 7, device=device, requires_grad=True)
    gradient = torch.randn(2, 6, 4, 4, device=device)
    layer(x).backward(gradient)
    fake_x = to_format(spec, x).requires_grad_()
    fake_w = to_format(spec, conv.weight).requires_grad_()
    functional.conv2d(fake_x, fake_w, None, 2, 1, 1, 2).backward(gradient)
    torch.testing.assert_close(x.grad, fake_x.grad)
    torch.testing.assert_close(layer.weight.grad, fake_w.grad)
    torch.testing.assert_close(layer.bias.grad, gradient.sum((0, 2, 3)))


def test_nothing_flows_back_through_an_overflow(device):
    layer = ApproxLinear.from_float(nn.Linear(2, 1, bias=False), FloatMitchell(5, 10)).to(device)
    x = torch.tensor([[1e6, 1e-9]], device=device, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad[0, 0] == 0
    assert x.grad[0, 1] == to_format(layer.spec, layer.weight)[0, 1]


def test_training_lowers_the_loss(network, images, device):
    convert_(network, MBM_BF16)
    labels = torch.tensor([0, 1, 2, 3, 4, 0], device=device)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = functional.cross_entropy(network.train()(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0], losses


def test_state_dict_round_trips(network, images, device):
    floats = copy.deepcopy(network.state_dict())
    convert_(network, MBM_BF16)
    expected, state = network(images), network.state_dict()
    assert state.keys() == floats.keys()
    other = SmallNet()
    convert_(other.to(device), MBM_BF16)
    assert other.load_state_dict(state) == ([], [])
    assert torch.equal(other.eval()(images), expected)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_copies_are_equal_and_independent(network, images, copied):
    convert_(network, MBM_BF16)
    expected = network(images)
    other = copied(network)
    assert torch.equal(other(images), expected)
    with torch.no_grad():
        other.stem.weight.zero_()
    assert torch.equal(network(images), expected)
    assert not torch.equal(other(images), expected)


def test_inductor_gives_the_same_bits(inductor, network, images):
    convert_(network, MBM_BF16)
    with torch.no_grad():
        compiled = torch.compile(network.stem, fullgraph=True, backend=inductor)
        assert torch.equal(compiled(images), network.stem(images))
