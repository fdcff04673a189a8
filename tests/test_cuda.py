"""What only a device can show: streams, graphs, compiled networks, that nothing waits."""

import pytest
import torch
from codes import ODD_TABLE, random_codes
from devices import run
from float_patterns import random_patterns, tensor
from torch import nn

from mbm_hw import MBM, Mitchell, ops
from mbm_hw.multipliers import FloatMBM
from mbm_hw.nn import calibrate_, convert_

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
SPECS = (
    Mitchell(8, signed=True),
    MBM(8, signed=True),
    MBM(8, truncation=2, signed=True),
    MBM(16, signed=True),
    FloatMBM(8, 7),
    ODD_TABLE,
)
each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.identifier)
GEOMETRY = {"padding": 1, "stride": (2, 1)}
LARGE = {
    "many positions": ((8, 40, 60, 80), (140, 40, 3, 3), {"padding": 1}),
    "depthwise": ((8, 96, 112, 112), (96, 1, 3, 3), {"padding": 1, "groups": 96}),
    "the most terms": ((2, 65_536, 1, 1), (70, 65_536, 1, 1), {}),
}


def converted(spec):
    torch.manual_seed(1)
    layers = (
        nn.Conv2d(3, 40, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(40, 40, 3, groups=40),
        nn.Flatten(),
    )
    network = nn.Sequential(*layers, nn.Linear(40 * 100, 7)).eval()
    x = torch.rand(2, 3, 12, 12)
    convert_(network, spec)
    calibrate_(network, [x])
    return network, x


@each_spec
@torch.inference_mode()
def test_a_network_gives_the_cpus_bits_and_waits_for_nothing(spec):
    network, x = converted(spec)
    expected = network(x)
    network, x = network.cuda(), x.cuda()
    network(x)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        y = network(x)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(y.cpu(), expected)


@each_spec
@torch.inference_mode()
def test_a_network_replays_as_a_graph(spec):
    network, x = converted(spec)
    another = torch.rand_like(x)
    expected = network(another)
    network, x = network.cuda(), x.cuda()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        network(x)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = network(x)
    x.copy_(another)
    graph.replay()
    assert torch.equal(y.cpu(), expected)


@each_spec
@torch.inference_mode()
def test_a_network_compiles(spec):
    network, x = converted(spec)
    expected = network(x)
    actual = torch.compile(network.cuda(), backend="aot_eager")(x.cuda())
    assert torch.equal(actual.cpu(), expected)


@pytest.mark.parametrize(
    ("spec", "dtype"),
    [(Mitchell(13, truncation=7, signed=True), torch.int16), (MBM(7, 4, signed=True), torch.int8)],
)
def test_a_kernel_that_has_never_run_is_not_captured(spec, dtype):
    x = torch.zeros(1, 1, 1, 5, dtype=dtype, device="cuda")
    torch.zeros(1, device="cuda")
    graph = torch.cuda.graph(torch.cuda.CUDAGraph())
    with pytest.raises(RuntimeError, match="must run once before it is captured"), graph:
        ops.conv2d(x, x[..., :2], spec)


@each_spec
@pytest.mark.parametrize("name", LARGE)
def test_a_large_layer_gives_the_cpus_sums(spec, name):
    """On as many blocks as fill a device: the tiles of layers that are timed."""
    x_shape, w_shape, geometry = LARGE[name]
    if isinstance(spec, FloatMBM):
        operator = ops.float_conv2d
        patterns = random_patterns(spec, x_shape, 1), random_patterns(spec, w_shape, 2)
        x, w = (tensor(spec, p) for p in patterns)
    else:
        operator, x, w = ops.conv2d, random_codes(spec, x_shape), random_codes(spec, w_shape, 1)
    actual = run(operator, "cuda", x, w, spec, **geometry)
    assert torch.equal(actual, operator(x, w, spec, **geometry))


@pytest.mark.parametrize("index", range(torch.cuda.device_count()))
def test_every_device_and_stream_gives_the_cpus_sums(index):
    spec = MBM(8, signed=True)
    x, w = random_codes(spec, (2, 20, 30, 30)), random_codes(spec, (50, 20, 3, 3), 1)
    device = torch.device("cuda", index)
    with torch.cuda.stream(torch.cuda.Stream(device)):
        y = ops.conv2d(x.to(device), w.to(device), spec, **GEOMETRY).cpu()
    assert torch.equal(y, ops.conv2d(x, w, spec, **GEOMETRY))


def test_operands_outside_the_spec_are_refused():
    bad = torch.full((2, 2), 300, dtype=torch.int16, device="cuda")
    with pytest.raises(ValueError, match=r"matmul: x_codes must be -256 to 255 for .*, not 300"):
        ops.matmul(bad, bad, MBM(9, signed=True))
    values = torch.full((2, 2), 1 + 2**-10, device="cuda")
    with pytest.raises(ValueError, match="must hold values of bf16"):
        ops.float_matmul(values, values, FloatMBM(8, 7))
