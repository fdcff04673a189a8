"""Studies on a GPU, as far as they can be looked at without one."""

import importlib

import pytest
import torch
from tiny_study import tiny_study
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mbm_hw import MBM
from mbm_hw.multipliers import FloatMBM
from mbm_hw.nn import approx_layer, calibrate_, convert_
from mbm_hw.nn.quantize import Fixed, Symmetric
from mbm_hw.studies.batch import Batch
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.run import StudyRun


def test_without_a_gpu_a_study_on_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = StudyRun(tiny_study(tmp_path), tmp_path, device="cuda")
    assert run.identity["device"] == "cuda"
    with pytest.raises(ValueError, match="the device must be cpu here: torch finds no GPU"):
        run.score(run.units[0])


def test_images_go_to_the_networks_device_and_outputs_come_back():
    """On the device meta, which has no values: nothing but the way back must fail."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    samples = [(torch.ones(3, 8, 8), 0)]
    batch = Batch(EVALUATIONS["classification"], samples, network, {"0": 1, "2": 1})
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        _ = batch.exact


class AsOnCuda(TorchDispatchMode):
    """Divides floats by a number as torch does on CUDA, and lets nothing be copied to the device.

    Ref: PyTorch, aten/src/ATen/native/cuda/BinaryDivTrueKernel.cu: a product with the reciprocal.
    """

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        named, aten = named or {}, torch.ops.aten
        x, *others = arguments
        if function is aten.div.Tensor and not isinstance(others[0], torch.Tensor):
            x = x if x.is_floating_point() else x.float()
            return x * (1 / torch.tensor(others[0], dtype=x.dtype))
        y = function(*arguments, **named)
        if function.overloadpacket in (aten.to, aten._to_copy):
            assert y.device == x.device, "a copy, for which a GPU would wait"
        return y


def as_on_cuda(monkeypatch):
    """Have layers go through what CUDA tensors go through."""
    for name in ("quantized_conv2d", "rounded_conv2d"):
        composed = importlib.import_module(f"mbm_hw.ops.{name}").composed
        monkeypatch.setattr(approx_layer, name, composed)
    return AsOnCuda()


@pytest.mark.parametrize(
    ("width", "algorithm"),
    [(4, "direct"), (8, "direct"), (16, "direct"), (8, "strassen"), (16, "winograd_4x4")],
)
@torch.inference_mode()
def test_a_layers_bits_do_not_depend_on_how_a_device_divides(width, algorithm, monkeypatch):
    torch.manual_seed(0)
    network, x = nn.Sequential(nn.Conv2d(16, 100, 3, bias=False)), torch.randn(2, 16, 9, 9)
    convert_(network, MBM(width, signed=True), algorithm=algorithm)
    calibrate_(network, [x])
    expected = network(x)
    with as_on_cuda(monkeypatch):
        assert torch.equal(network(x), expected)


@pytest.mark.parametrize("quantizer", [Symmetric(), Fixed(100, 100)], ids=str)
@pytest.mark.parametrize(
    "spec", [MBM(8, signed=True), MBM(16, signed=True), FloatMBM(8, 7)], ids=lambda s: s.identifier
)
@torch.inference_mode()
def test_a_networks_forward_looks_at_no_values(spec, quantizer, monkeypatch):
    """On the device meta, by what CUDA tensors go through: codes, sums and floats stay there."""
    convs = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3, groups=4), nn.Flatten()
    network, x = nn.Sequential(*convs, nn.Linear(4 * 16, 5)).eval(), torch.rand(2, 3, 8, 8)
    convert_(network, spec, quantizer=quantizer)
    calibrate_(network, [x])
    expected, network, x = network(x), network.to("meta"), x.to("meta")
    with as_on_cuda(monkeypatch):
        y = network(x)
    assert (y.device.type, y.shape, y.dtype) == ("meta", expected.shape, torch.float32)
