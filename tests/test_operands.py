"""A layer's operands for the circuits: what the layer multiplies, in a weight-stationary order."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from mbm_hw import Exact, FloatExact, nn
from mbm_hw.cli.hardware import LAYER
from mbm_hw.cost.streams import float_patterns, integer_patterns
from mbm_hw.ops import round_to_format
from mbm_hw.studies.data import load_data
from mbm_hw.studies.networks import load_network, load_weights
from mbm_hw.studies.operands import LayerOperands


def test_operands_are_the_layers_codes_a_weight_at_a_time():
    spec = Exact(8, signed=True)
    a, b = LayerOperands(**LAYER, vectors=1000, run=100).codes(spec)
    network, data = load_network(LAYER["network"]), load_data(LAYER["data"])
    load_weights(network, LAYER["weights"])
    nn.convert_(network, spec, lambda module, name: name == LAYER["layer"])
    nn.calibrate_(network, [data.calibration])
    layer = network.get_submodule(LAYER["layer"])
    seen = []
    layer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0][0]))
    with torch.inference_mode():
        network(data[0][0][None])
    x = (seen[0] / layer.activation_scale).round().clamp(-127, 127)
    w = (layer.weight / layer.weight_scale[:, None, None, None]).round().clamp(-127, 127)
    padded = functional.pad(x, (1, 1, 1, 1)).numpy()
    height, width = x.shape[1:]
    for start in range(0, 1000, 100):
        (weight,) = set(b[start : start + 100].tolist())
        places = np.argwhere(w.detach().numpy() == weight)
        rows = {
            (channel, i, j): padded[channel, i : i + height, j : j + width].ravel()
            for _, channel, i, j in places
        }
        run = a[start : start + 100]
        assert any(
            (np.lib.stride_tricks.sliding_window_view(row, 100) == run).all(1).any()
            for row in rows.values()
        ), f"pairs from {start} on are no run of pixels under the weight {weight}"


def test_a_layer_that_is_no_convolution_is_refused():
    with pytest.raises(ValueError, match="layer must be a convolution"):
        LayerOperands(**LAYER | {"layer": "decoder"}, vectors=10).codes(Exact(8, signed=True))


def test_patterns_stand_for_the_values():
    values = np.array([-127, -1, 0, 1, 127])
    assert integer_patterns(Exact(8, signed=True), values).tolist() == [129, 255, 0, 1, 127]
    assert integer_patterns(Exact(8), values).tolist() == [127, 1, 0, 1, 127]
    x = round_to_format(torch.tensor([1.0, -0.3, 100.0]), 8, 7).numpy()
    assert float_patterns(FloatExact(8, 7), x).tolist() == [0x3F80, 0xBE9A, 0x42C8]
    assert float_patterns(FloatExact(5, 10), np.array([1.0, -2.0])).tolist() == [0x3C00, 0xC000]
