"""What a multiplier of a hardware layer would be given: a real layer's operands, in order."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mbm_hw.multipliers import Spec
from mbm_hw.nn import ApproxConv2d, calibrate_, convert_
from mbm_hw.studies.data import load_data
from mbm_hw.studies.networks import load_network, load_weights


@dataclass(frozen=True)
class LayerOperands:
    """The operands of one convolution of a network, as a weight-stationary engine meets them.

    A multiplier keeps a weight while `run` output pixels go by in raster order; then comes another
    weight, drawn with `seed` from all of them. Zero padding comes along as zeros.

    network, weights, data : as in a study's description; its first image is used, and its
        calibration images fix the scales. layer : of a convolution without groups.
    vectors : operand pairs.
    """

    network: str
    weights: str
    data: dict
    layer: str
    vectors: int
    run: int = 256
    seed: int = 0

    @property
    def files(self) -> list[Path]:
        """The files that the operands depend on, besides the data's."""
        return [Path(self.network.partition(":")[0]), Path(self.weights.partition(":")[0])]

    @torch.inference_mode()
    def codes(self, spec: Spec) -> tuple[np.ndarray, np.ndarray]:
        """Return (activations, weights), [vectors] each: what the layer multiplies under `spec`.

        spec : a signed integer spec: codes, int64; or a float spec: float32 values of its format.
        """
        network = load_network(self.network)
        load_weights(network, self.weights)
        data = load_data(self.data)
        convert_(network, spec, lambda module, name: name == self.layer)
        layer = network.get_submodule(self.layer)
        if not isinstance(layer, ApproxConv2d) or layer.groups != 1:
            raise ValueError(f"layer must be a convolution without groups, not {self.layer}")
        calibrate_(network, (batch.clone() for batch in data.calibration.split(16)))
        image = layer_input(network, self.layer, data[0][0])[0]
        x, w = layer.codes(image), layer.weight_codes()
        columns = functional.unfold(
            x[None].double(), layer.kernel_size, layer.dilation, layer.padding, layer.stride
        )[0].numpy()  # [channels * kernel, pixels]
        return self._ordered(columns, w.flatten(1).numpy())

    def _ordered(self, columns, weights):
        generator = np.random.default_rng(self.seed)
        runs = -(-self.vectors // self.run)
        outputs = generator.integers(0, weights.shape[0], runs)
        taps = generator.integers(0, weights.shape[1], runs)
        starts = generator.integers(0, max(columns.shape[1] - self.run, 0) + 1, runs)
        pixels = (starts[:, None] + np.arange(self.run)) % columns.shape[1]
        a = columns[taps[:, None], pixels].ravel()[: self.vectors]
        b = np.repeat(weights[outputs, taps], self.run)[: self.vectors]
        return a.astype(b.dtype), b


def layer_input(network: nn.Module, layer: str, image: Tensor) -> Tensor:
    """Return what `layer` is first given when `network` is given `image`, [C, H, W]; [1, ...].

    A copy, as is what the network is given: both may be changed in place.
    """
    seen = []
    handle = network.get_submodule(layer).register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0].clone())
    )
    network(image[None].clone())
    handle.remove()
    return seen[0]
