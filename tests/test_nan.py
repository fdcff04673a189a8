"""NaN through the layers: where torch's float layer has it, and nowhere else."""

import copy

import pytest
import torch
from devices import each_backend
from torch import nn

from mbm_hw import MBM, Exact, FloatMBM, Table, product_table
from mbm_hw.nn import calibrate_, convert_
from mbm_hw.nn.quantize import Fixed, Symmetric

MBM8S, MBM16S = MBM(8, signed=True), MBM(16, signed=True)
TABLE = Table(product_table(MBM8S), signed=True)
FIXED = Fixed(scale=10, limit=7)
SPECS = ((MBM8S, Symmetric()), (MBM16S, Symmetric()), (TABLE, FIXED), (FloatMBM(8, 7), Symmetric()))

CONVOLUTIONS = {
    "plain": (nn.Conv2d(4, 6, 3), (2, 4, 9, 8)),
    "padded, strided": (nn.Conv2d(4, 6, (3, 2), (2, 3), (2, 1)), (2, 4, 9, 8)),
    "dilated": (nn.Conv2d(4, 6, 3, dilation=(2, 3), padding=2), (1, 4, 9, 11)),
    "grouped": (nn.Conv2d(6, 4, 3, padding=1, groups=2, bias=False), (2, 6, 7, 8)),
    "depthwise": (nn.Conv2d(5, 10, 3, 2, 1, groups=5), (3, 5, 9, 8)),
    "pointwise": (nn.Conv2d(40, 6, 1), (2, 40, 5, 4)),
    "many outputs": (nn.Conv2d(3, 260, 3, padding=1), (1, 3, 6, 5)),
    "same": (nn.Conv2d(4, 6, (3, 4), padding="same"), (1, 4, 9, 8)),
    "circular": (nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), (1, 4, 9, 8)),
    "reflected": (nn.Conv2d(4, 6, 3, padding=2, padding_mode="reflect"), (1, 4, 9, 8)),
    "linear": (nn.Linear(30, 7), (5, 30)),
    "linear, deep": (nn.Linear(700, 300), (2, 3, 700)),
}


def outputs(layer, shape, spec, quantizer, device, algorithm=None):
    """Return the outputs for two NaN in the first image: of the float layer and of the approximate
    one; and of that for zeros in their place.
    """
    torch.manual_seed(3)
    x = torch.randn(shape)
    network = nn.Sequential(copy.deepcopy(layer)).eval()
    convert_(network, spec, quantizer=quantizer, algorithm=algorithm)
    calibrate_(network, [x])
    network.to(device)
    places = torch.zeros(shape, dtype=torch.bool)
    places[0].view(-1)[[1, places[0].numel() // 2]] = True
    nan, zero = (x.masked_fill(places, value) for value in (torch.nan, 0))
    return layer(nan), network(nan.to(device)).cpu(), network(zero.to(device)).cpu()


def check_nan(exact, y, of_zeros):
    assert exact.isnan().any()
    assert not exact.isnan().all()
    assert torch.equal(y.isnan(), exact.isnan())
    assert torch.equal(y[~y.isnan()], of_zeros[~y.isnan()]), "a code of NaN is 0"


@pytest.mark.parametrize(("spec", "quantizer"), SPECS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("name", CONVOLUTIONS)
@torch.inference_mode()
def test_a_nan_activation_reaches_the_outputs_that_torchs_reaches(name, spec, quantizer, device):
    layer, shape = CONVOLUTIONS[name]
    check_nan(*outputs(layer, shape, spec, quantizer, device))


@each_backend
@pytest.mark.parametrize(("spec", "quantizer"), [(MBM8S, Symmetric()), (MBM16S, FIXED)], ids=str)
@pytest.mark.parametrize("name", ["padded, strided", "depthwise", "many outputs", "linear, deep"])
@torch.inference_mode()
def test_on_every_instruction_set(name, spec, quantizer, device):
    layer, shape = CONVOLUTIONS[name]
    check_nan(*outputs(layer, shape, spec, quantizer, device))


@pytest.mark.parametrize("name", ["winograd", "winograd_4x4", "strassen"])
@pytest.mark.parametrize("groups", [1, 2])
@torch.inference_mode()
def test_under_an_algorithm_it_reaches_the_same_outputs(name, groups, device):
    layer = nn.Conv2d(8, 4, 3, padding=1, groups=groups)
    check_nan(*outputs(layer, (2, 8, 9, 11), MBM16S, Symmetric(), device, name))


@torch.inference_mode()
def test_a_linear_layer_by_strassen_has_it_in_the_same_rows(device):
    check_nan(*outputs(nn.Linear(12, 6), (5, 12), MBM16S, Symmetric(), device, "strassen"))


@pytest.mark.parametrize("name", ["winograd", "strassen", "fft"])
@torch.inference_mode()
def test_a_float_algorithm_loses_no_nan(name, device):
    """It has more: a transformed operand that is NaN makes all that it is added to NaN."""
    layer = nn.Conv2d(8, 4, 3, padding=1)
    exact, y, _ = outputs(layer, (2, 8, 19, 21), FloatMBM(8, 7), Symmetric(), device, name)
    assert y[exact.isnan()].isnan().all()
    assert not y[1].isnan().any()


@pytest.mark.parametrize("quantizer", [Symmetric(), Symmetric(99.0), FIXED], ids=str)
@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
@torch.inference_mode()
def test_a_nan_weight_makes_its_channel_nan(quantizer, algorithm, device):
    layer, x = nn.Conv2d(4, 3, 3, padding=1), torch.randn(2, 4, 6, 5)
    network = nn.Sequential(layer).eval()
    convert_(network, MBM16S, quantizer=quantizer, algorithm=algorithm)
    calibrate_(network, [x])
    network[0].weight[1, 2, 0, 0] = torch.nan
    y = network.to(device)(x.to(device)).cpu()
    assert y[:, 1].isnan().all()
    assert not y[:, [0, 2]].isnan().any()


@torch.inference_mode()
def test_infinity_is_the_largest_code(device):
    network, x = nn.Sequential(nn.Linear(20, 3)).eval(), torch.rand(2, 20)
    convert_(network, Exact(8, signed=True))
    calibrate_(network, [x])
    network.to(device)
    infinite, largest = x.clone(), x.clone()
    infinite[0, 3], infinite[1, 5] = torch.inf, -torch.inf
    largest[0, 3], largest[1, 5] = 100, -100
    assert torch.equal(network(infinite.to(device)), network(largest.to(device)))


@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
def test_training_and_compiled_layers_carry_it_too(algorithm):
    network, x = nn.Sequential(nn.Conv2d(2, 3, 3)), torch.randn(1, 2, 8, 8)
    convert_(network, MBM16S, algorithm=algorithm)
    calibrate_(network, [x])
    x[0, 0, 0, 0] = torch.nan
    expected = torch.zeros(1, 3, 6, 6, dtype=torch.bool)
    expected[..., 0, 0] = True
    assert torch.equal(network(x).isnan(), expected)
    compiled = torch.compile(network, backend="aot_eager")
    with torch.no_grad():
        assert torch.equal(compiled(x).isnan(), expected)
