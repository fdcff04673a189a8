"""The networks of models/: their shapes and sizes always, their published scores where the data
folder (MBM_HW_DATA, or ../shared/data) is there."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from mbm_hw.studies.checkpoints import read_checkpoint
from mbm_hw.studies.data import load_data, split_digits
from mbm_hw.studies.evaluation import Depth
from mbm_hw.studies.metrics import depth_from_output
from mbm_hw.studies.networks import load_network
from mbm_hw.studies.operations import count_multiplications
from mbm_hw.system.user_code import load_function

ROOT = Path(__file__).parent.parent
MODELS = ROOT / "models"


def network(name):
    return load_network(name, MODELS)


def function(name):
    return load_function(f"{MODELS}/{name}")


@pytest.fixture
def data():
    folder = Path(os.environ.get("MBM_HW_DATA", ROOT.parent / "shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no data folder {folder}; MBM_HW_DATA names another")
    return folder


def outputs(net, images, batch=20):
    form = torch.channels_last  # the fastest on a CPU
    batches = torch.stack(images).to(memory_format=form).split(batch)
    with torch.inference_mode():
        return torch.cat([net.to(memory_format=form)(x) for x in batches])


# ---- Digits ---------------------------------------------------------------------------------


def test_digits_are_learnt_in_seconds_and_twice_the_same():
    train_digits = function("train_digits.py:train_digits")
    nets = [network("digits_cnn") for _ in range(2)]
    state = torch.random.get_rng_state()
    for net in nets:
        train_digits(net, None)
        assert not net.training
    assert torch.equal(torch.random.get_rng_state(), state)
    for first, second in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(first, second)
    _, (images, classes) = split_digits()
    right = int((outputs(nets[0], list(images), 797).argmax(1) == classes).sum())
    assert right > 0.97 * 797, f"{right} of 797 test images right"


# ---- CIFAR-10 -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "million"), [("resnet20", 0.27), ("resnet32", 0.46)])
def test_resnets_have_the_parameters_of_the_paper_and_only_the_checkpoints_keys(name, million):
    """Ref: He et al. 2016, table 6."""
    net = network(name)
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 2) == million
    parts = dict.fromkeys(key.split(".")[0] for key in net.state_dict())
    assert list(parts) == ["conv1", "bn1", "layer1", "layer2", "layer3", "linear"]
    assert not [key for key in net.state_dict() if "shortcut" in key]


@pytest.mark.parametrize(
    ("name", "file", "expected"),
    [("resnet20", "resnet20-12fca82f.th", 455), ("resnet32", "resnet32-d509ac18.th", 466)],
)
def test_resnets_score_on_cifar10_as_published(data, name, file, expected):
    dataset = load_data({"kind": "cifar10", "folder": str(data / "cifar10"), "images": 500})
    net = network(name)
    net.load_state_dict(read_checkpoint(data / "cifar10" / file))
    images, classes = zip(*dataset, strict=True)
    assert int((outputs(net, images, 100).argmax(1) == torch.tensor(classes)).sum()) == expected


# ---- MobileNetV2 ----------------------------------------------------------------------------


def test_mobilenet_v2_has_the_known_layers_and_multiplications():
    """53 layers and 300,774,272 multiplications with 1000 classes; here they are 1001."""
    net = network("mobilenet_v2")
    counts = count_multiplications(net, torch.zeros(3, 224, 224))
    assert len(counts) == 53
    assert sum(counts.values()) == 300_774_272 + 1280
    assert sum(n for name, n in counts.items() if name.endswith("depthwise")) == 20_716_416


@pytest.mark.parametrize("size", [(5, 8), (8, 5), (6, 6), (7, 7)])
def test_same_padding_is_tensorflows(size):
    """ceil(n / 2) outputs; what padding that needs is halved, the odd zero comes last."""
    padded = function("mobilenet_v2.py:SamePad")()(torch.ones(1, 1, *size))[0, 0]
    for length, line in zip(size, (padded[:, size[1] // 2], padded[size[0] // 2]), strict=True):
        total = max((-(-length // 2) - 1) * 2 + 3 - length, 0)
        before = total // 2
        assert line.tolist() == [0] * before + [1] * length + [0] * (total - before)


def test_mobilenet_v2_features_have_the_channels_and_sizes_of_their_strides():
    encoder = network("mobilenet_v2").encoder
    with torch.inference_mode():
        shapes = [tuple(f.shape[1:]) for f in encoder(torch.zeros(1, 3, 48, 64))]
    assert shapes == [(16, 24, 32), (24, 12, 16), (32, 6, 8), (96, 3, 4), (320, 2, 2)]


def test_mobilenet_v2_takes_scale_times_code_less_zero_point(tmp_path):
    net, rng, arrays = network("mobilenet_v2"), np.random.default_rng(0), {}
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    for index, layer in enumerate(layers):
        channels, inputs, *kernel = (*layer.weight.shape, 1, 1)[:4]
        is_depthwise = inputs == 1
        shape = (1, *kernel, channels) if is_depthwise else (channels, *kernel, inputs)
        key = f"op{index:02d}"
        arrays[f"{key}_w"] = rng.integers(0, 256, shape).astype(np.uint8)
        arrays[f"{key}_w_zp"] = np.array([120], np.int32)
        arrays[f"{key}_w_scale"] = np.array([0.25], np.float32)
        arrays[f"{key}_b"] = rng.integers(-99, 99, channels).astype(np.int32)
        arrays[f"{key}_b_scale"] = np.array([0.5], np.float32)
    (tmp_path / "imagenet").mkdir()
    np.savez(tmp_path / "imagenet/mobilenet_v2_quant_arrays.npz", **arrays)
    function("mobilenet_v2.py:load_mobilenet_v2")(net, tmp_path)

    def value(layer, *index):
        return 0.25 * (int(arrays[f"{layer}_w"][index]) - 120)

    block = net.encoder.block0
    assert net.encoder.stem.weight[5, 2, 0, 1] == value("op00", 5, 0, 1, 2)
    assert block.depthwise.weight[7, 0, 2, 1] == value("op01", 0, 2, 1, 7)
    assert block.project.weight[3, 9, 0, 0] == value("op02", 3, 0, 0, 9)
    assert net.classifier.weight[1000, 17] == value("op52", 1000, 0, 0, 17)
    assert net.classifier.bias[4] == 0.5 * arrays["op52_b"][4]


def test_missing_weights_are_named(tmp_path):
    for name in ("mobilenet_v2", "depth_7scenes"):
        load = function(f"{name}.py:load_{name}")
        with pytest.raises(ValueError, match=r"imagenet/.*npz of the data folder, and none was"):
            load(network(name), None)
        with pytest.raises(ValueError, match=r"there is no .*/imagenet/mobilenet_v2_quant"):
            load(network(name), tmp_path)


def test_mobilenet_v2_is_as_right_as_the_quantised_network_it_comes_from(data):
    """168 of 200 top-1 and 194 top-5, the quantised network's figures."""
    folder = data / "imagenet"
    dataset = load_data({"kind": "imagenet_sample", "folder": str(folder), "images": 180})
    with open(folder / "labels.csv", newline="") as file:
        classes = torch.tensor([int(row["tf_class_1_1000"]) for row in csv.DictReader(file)])
    assert [target for _, target in dataset] == classes[:180].tolist()
    net = network("mobilenet_v2")
    function("mobilenet_v2.py:load_mobilenet_v2")(net, data)
    best = outputs(net, [*(x for x, _ in dataset), *dataset.calibration]).topk(5).indices
    is_right = best == classes[:, None]
    assert abs(int(is_right[:, 0].sum()) - 168) <= 1
    assert abs(int(is_right.any(1).sum()) - 194) <= 1


# ---- Depth ----------------------------------------------------------------------------------


def decoder_multiplications(encoder_channels, channels, padding, sizes):
    """Return those of each layer; computed on shapes alone."""
    counts = {}

    def count(name):
        def hook(layer, _, output):
            counts[name] = output.numel() * layer.weight[0].numel()

        return hook

    with torch.device("meta"):
        decoder = function("densedepth_decoder.py:DenseDepthDecoder")(
            encoder_channels, channels, padding
        )
        features = [torch.zeros(1, c, *s) for c, s in zip(encoder_channels, sizes, strict=True)]
    for name, layer in decoder.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(count(name))
    assert decoder(features).shape == (1, 1, *sizes[0])
    return counts


@pytest.mark.parametrize(("padding", "conv2"), [(0, 731_289_600), (1, 911_674_368)])
def test_the_decoder_is_densedepths(padding, conv2):
    """At 480x640 with DenseNet-161; the padding of conv2 is the original's 0 or upstream's 1."""
    sizes = [(240, 320), (120, 160), (60, 80), (30, 40), (15, 20)]
    counts = decoder_multiplications(
        (96, 96, 192, 384, 2208), (1104, 552, 276, 138, 69), padding, sizes
    )
    assert counts == {
        "conv2": conv2,
        "up1.convA": 8_870_860_800,
        "up1.convB": 3_290_803_200,
        "up2.convA": 8_870_860_800,
        "up2.convB": 3_290_803_200,
        "up3.convA": 8_870_860_800,
        "up3.convB": 3_290_803_200,
        "up4.convA": 11_160_115_200,
        "up4.convB": 3_290_803_200,
        "conv3": 47_692_800,
    }


def test_the_decoder_takes_any_number_of_features():
    """The MobileNetV2 depth network of the same study, with six up blocks."""
    sizes = [(240, 320), (120, 160), (60, 80), (30, 40), (15, 20), (15, 20), (15, 20)]
    skips = (16, 24, 32, 64, 160, 320)
    counts = decoder_multiplications((*skips, 1280), (512, 256, 256, 128, 64, 64, 32), 1, sizes)
    assert sum(counts.values()) == 6_880_624_640
    with pytest.raises(ValueError, match="channels must be as many, not 2 and 3"):
        function("densedepth_decoder.py:DenseDepthDecoder")((16, 24), (8, 8, 8))


def test_depth_7scenes_keeps_encoder_and_decoder_apart():
    net = network("depth_7scenes")
    assert {key.split(".")[0] for key in net.state_dict()} == {"encoder", "decoder"}
    with torch.inference_mode():
        assert net(torch.zeros(1, 3, 48, 64)).shape == (1, 1, 24, 32)


def averages(predictions, targets):
    depth = Depth()
    return depth.average([depth.score(p, t) for p, t in zip(predictions, targets, strict=True)])


def test_depth_7scenes_scores_as_its_checkpoint_says(data):
    """Frames 750 to 870: 240x320 in, the output enlarged at once to the camera's 480x640."""
    frames = {
        "kind": "rgbd_folder",
        "folder": str(data / "depth/7scenes"),
        "first": 750,
        "last": 870,
    }
    resized, native = (load_data(frames | {"size": size}) for size in ([240, 320], [480, 640]))
    net = network("depth_7scenes")
    function("depth_7scenes.py:load_depth_7scenes")(net, data)
    images, small = zip(*resized, strict=True)
    assert len(images) == 25
    y = outputs(net, images, 5)
    inverse = (1000 / y).clamp(10, 1000) / 1000
    enlarged = 10 * functional.interpolate(inverse, scale_factor=4, mode="bilinear")[:, 0]
    scores = averages(enlarged, [depth for _, depth in native])
    expected = dict(a1=0.7622, a2=0.9776, a3=0.9976, rel=0.1711, rms=0.3512, log_10=0.0701)
    assert scores == pytest.approx(expected, abs=1e-4)
    # As a study scores it, at the size of the network's input:
    scores = averages(depth_from_output(y), small)
    expected = dict(a1=0.7629, a2=0.9779, a3=0.9976, rel=0.1709, rms=0.3501, log_10=0.0700)
    assert scores == pytest.approx(expected, abs=1e-4)


# ---- Checkpoints ----------------------------------------------------------------------------


def test_a_checkpoint_is_unwrapped(tmp_path):
    state = {"conv.weight": torch.ones(2), "conv.bias": torch.zeros(2)}
    wrapped = {f"module.{key}": value for key, value in state.items()}
    for content in (state, wrapped, {"state_dict": wrapped, "best_prec1": 91.7}):
        torch.save(content, tmp_path / "x.pt")
        read = read_checkpoint(tmp_path / "x.pt")
        assert list(read) == list(state)
        assert all(torch.equal(read[key], state[key]) for key in state)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "x.pt"
    with pytest.raises(ValueError, match=r"there is no .*x\.pt"):
        read_checkpoint(path)
    torch.save(Path("an object"), path)
    with pytest.raises(ValueError, match=r"x\.pt must be a checkpoint, not a pickle of pathlib\."):
        read_checkpoint(path)
    torch.save([torch.ones(2)], path)
    with pytest.raises(ValueError, match=r"x\.pt must hold tensors by name, not a list"):
        read_checkpoint(path)
    torch.save({"weight": torch.ones(2), "epoch": 3}, path)
    with pytest.raises(ValueError, match=r"not a dict whose epoch is no tensor"):
        read_checkpoint(path)
