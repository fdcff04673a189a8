from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mbm_hw.studies.data import GeneratedRooms
from mbm_hw.studies.evaluation import Depth
from mbm_hw.system.user_code import load_function

MODELS = Path(__file__).parents[1] / "models"
WEIGHTS = MODELS / "depth_small.pt"
UNSEEN_SEED, IMAGES = 20_000_001, 20

depth_small = load_function(f"{MODELS}/depth_small.py:depth_small")


@pytest.mark.parametrize(("size", "half"), [((120, 160), (60, 80)), ((121, 167), (61, 84))])
def test_output_has_one_channel_at_half_the_size(size, half):
    network = depth_small().eval()
    with torch.inference_mode():
        assert network(torch.rand(2, 3, *size)).shape == (2, 1, *half)


def test_layers_bear_the_names_of_densedepth():
    layers = dict(depth_small().decoder.named_modules())
    convolutions = {name for name, layer in layers.items() if isinstance(layer, nn.Conv2d)}
    ups = {f"up{level}.conv{part}" for level in range(1, 5) for part in "AB"}
    assert convolutions == {"conv2", "conv3"} | ups
    assert all(layers[name].bias is not None for name in convolutions)
    assert layers["conv2"].kernel_size == (1, 1)
    assert all(layers[name].kernel_size == (3, 3) for name in convolutions - {"conv2"})


def test_encoder_has_strided_and_depthwise_convolutions():
    layers = [x for x in depth_small().encoder.modules() if isinstance(x, nn.Conv2d)]
    threes = [x for x in layers if x.kernel_size == (3, 3)]
    assert any(x.groups == x.in_channels for x in threes)
    assert any(x.groups == 1 and x.stride == (2, 2) and x.in_channels >= 16 for x in threes)


def test_committed_weights_see_depth_in_unseen_rooms():
    network, depth = depth_small().eval(), Depth()
    network.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    unseen = GeneratedRooms(seed=UNSEEN_SEED, images=IMAGES).load()
    scores = depth.evaluate(network, unseen)
    constants = [
        depth.average([depth.score(np.full_like(target, metres), target) for _, target in unseen])
        for metres in np.arange(1, 5, 0.2)
    ]
    assert scores["a1"] > 0.85, scores
    assert max(constant["a1"] for constant in constants) < scores["a1"] - 0.2, scores
    assert min(constant["rel"] for constant in constants) > 1.5 * scores["rel"], scores


def test_weights_are_small_and_float32():
    assert WEIGHTS.stat().st_size <= 4 * 2**20
    state = torch.load(WEIGHTS, weights_only=True)
    floats = [x for x in state.values() if x.is_floating_point()]
    assert {x.dtype for x in floats} == {torch.float32}
    assert all(torch.isfinite(x).all() for x in floats)
