"""Converted layers against torch's own arithmetic."""

import pytest
import torch
from devices import run
from small_net import MBM8S, MBM8S_TABLE, converted, one_layer
from torch import nn
from torch.nn import functional

from mbm_hw import MBM, Exact, Table, ops, product_table
from mbm_hw.nn import ApproxConv2d, calibrate_
from mbm_hw.nn.quantize import Fixed

INT8 = Exact(8, signed=True)
SIGN_MAGNITUDE = Table(product_table(MBM(8)), sign_magnitude=True)


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
