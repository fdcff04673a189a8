"""What is computed once for all variants of a network must change no bit of any of them."""

import copy
import gc

import pytest
import torch
from torch import nn

from mbm_hw.studies.networks import load_network
from mbm_hw.studies.prefix import SharedPrefix


class Residual(nn.Module):
    """In-place sums and activations, of the input too, before and after each layer."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x -= 0.5
        y = self.relu(self.first(x))
        view = y[:, 1:]
        z = self.second(y)
        view *= 2
        z += y
        x += 1
        return self.relu(z) + x


class Hooked(nn.Module):
    """Features are fetched by hooks, as MiDaS does; one layer is called twice."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))
        self.head = nn.Conv2d(4, 4, 3, padding=1)
        self.features = {}
        self.encoder[0].register_forward_hook(self._keep)

    def _keep(self, module, inputs, output):
        self.features["first"] = output

    def forward(self, x):
        y = self.head(self.encoder(x) + self.features["first"])
        return self.head(y) * self.features["first"]


class LooksAtValues(nn.Module):
    """Branches on a value, and leaves torch for NumPy."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        y = self.first(x) * (2 if x.mean() > 0.5 else 3)
        return self.second(y + torch.from_numpy(y.mean(0).numpy() * 2))


class Caches(nn.Module):
    """Makes a grid in the first forward only, so that the others call fewer operators."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.grid = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), None

    def forward(self, x):
        if self.grid is None:
            self.grid = torch.linspace(0, 1, x.shape[-1]) * 3
        return self.second(self.first(x) + self.grid)


NETWORKS = {
    "residual": (Residual, ["first", "second"]),
    "hooked": (Hooked, ["encoder.0", "encoder.2", "head"]),
    "values": (LooksAtValues, ["first", "second"]),
    "caches": (Caches, ["first", "second"]),
    "depth_small": (
        lambda: load_network("models/depth_small.py:depth_small"),
        ["encoder.stem.0", "decoder.conv2", "decoder.up2.convB", "decoder.conv3"],
    ),
}


def variants(network, layer):
    """Return variants of `network` that differ in `layer`, and so in all that follows."""
    for factor in (1, 2, 3):
        variant = copy.deepcopy(network)
        with torch.no_grad():
            variant.get_submodule(layer).weight.mul_(factor)
        yield variant


@pytest.mark.parametrize("name", NETWORKS)
@torch.inference_mode()
def test_variants_give_the_same_bits_as_plain_forwards(name):
    torch.manual_seed(0)
    build, order = NETWORKS[name]
    network = build().eval()
    prefix = SharedPrefix()
    images = [torch.rand(2, 3, 48, 64) for _ in range(2)]
    for layer in [*order, order[0], *order]:
        for variant in variants(network, layer):
            for number, batch in enumerate(images):
                shared, seconds = prefix.forward(number, variant, layer, batch)
                assert torch.equal(shared, copy.deepcopy(variant)(batch.clone())), (layer, number)
                assert seconds > 0


@torch.inference_mode()
def test_what_comes_before_is_not_computed_again_and_only_what_is_in_use_is_kept():
    gc.collect()
    gc.disable()  # what is dead must not wait for a collection
    network = nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(8)])
    prefix, images = SharedPrefix(), torch.rand(1, 3, 16, 16)
    expected, _ = prefix.forward(0, network, "5", images)
    other = copy.deepcopy(network)
    other[2].weight.zero_()
    shared, _ = prefix.forward(0, other, "6", images)
    assert torch.equal(shared, expected)
    assert not torch.equal(shared, other(images))
    gc.enable()
    kept = prefix._prefixes[0]
    assert len(kept.calls) == 7
    assert sum(tensor.nbytes for tensor in kept.live) == 2 * images.nbytes  # and the input's


@torch.inference_mode()
def test_a_networks_own_errors_are_not_hidden():
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(4, 3, 1))
    prefix = SharedPrefix()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="channels"):
            prefix.forward(0, network, "1", torch.rand(1, 3, 4, 4))
