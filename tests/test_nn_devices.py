"""Layers that move between devices, the meta device among them, and what they make again."""

import copy

import pytest
import torch
from small_net import MBM8S, MBM8S_TABLE
from torch import nn

from mbm_hw.nn import ApproxConv2d, calibrate_


def layer(spec=MBM8S_TABLE, device="cpu"):
    torch.manual_seed(0)
    return ApproxConv2d(3, 4, 3, spec=spec, device=device)


def to_empty(meta, state):
    meta.to_empty(device="cpu").load_state_dict(state)


def assign(meta, state):
    meta.load_state_dict(state, assign=True)


@pytest.mark.parametrize("spec", [MBM8S, MBM8S_TABLE], ids=["mbm8s", "table"])
@pytest.mark.parametrize("load", [to_empty, assign])
def test_a_layer_built_on_meta_and_loaded_computes_as_the_original(load, spec):
    original, x = layer(spec), torch.randn(2, 3, 8, 8)
    calibrate_(original, [x])
    meta = layer(spec, device="meta")
    load(meta, original.state_dict())
    assert torch.equal(meta(x), original(x))
    assert [b.device.type for b in meta.buffers()] == ["cpu"] * (
        2 if meta.product_table is not None else 1
    )


@pytest.mark.parametrize("load", [to_empty, assign])
def test_a_range_that_was_lost_on_meta_must_be_calibrated_again(load):
    original, x = layer(), torch.randn(2, 3, 8, 8)
    state = dict(original.state_dict())
    calibrate_(original, [x])
    meta = copy.deepcopy(original).to("meta")
    assert meta.activation_amax.is_meta
    load(meta, state)
    with pytest.raises(RuntimeError, match="is not calibrated"):
        meta(x)
    calibrate_(meta, [x])
    assert torch.equal(meta(x), original(x))


def test_emptied_layers_keep_what_is_not_in_a_float_checkpoint():
    original, x = layer(), torch.randn(2, 3, 8, 8)
    calibrate_(original, [x])
    weights = {key: original.state_dict()[key] for key in ("weight", "bias")}
    other = copy.deepcopy(original)
    other.to_empty(device="cpu").load_state_dict(weights)
    assert torch.equal(other(x), original(x))


def test_a_layer_moves_with_its_network(device):
    network, x = nn.Sequential(layer()), torch.randn(2, 3, 8, 8)
    calibrate_(network, [x])
    expected = network(x)
    moved = copy.deepcopy(network).to(device).half().float()
    for tensor in (*moved.parameters(), *moved.buffers()):
        assert tensor.device.type == device.type
    assert moved[0].activation_amax == network[0].activation_amax
    assert moved(x.to(device)).shape == expected.shape
