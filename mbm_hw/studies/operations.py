"""The multiplications of networks: counted at torch's dispatcher, while they run once."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from mbm_hw.nn import coverage, supports
from mbm_hw.nn.counter import Multiplications
from mbm_hw.nn.geometry import layer_of
from mbm_hw.ops.algorithms import DIRECT, find_algorithm
from mbm_hw.studies.data.dataset import check_size
from mbm_hw.studies.forward_errors import naming_layers
from mbm_hw.studies.networks import load_network


def count_operations(
    network: nn.Module, image: torch.Tensor, algorithm: str = DIRECT
) -> list[Multiplications]:
    """Return the products of `network` for one image, by module and operator, in order.

    Convolutions and matrix products of every kind are counted, functional ones too; see
    `nn.coverage`. Layers that do not run are not listed.

    network : any; it runs once on its own copy of `image`, [C, H, W] or what it takes without the
        batch, on the device of both (`meta` computes nothing).
    algorithm : whose multiplications are counted, in the layers that it can do (`nn.supports`); the
        others are direct.
    """
    found = coverage(network, image[None]).products
    return [_by_algorithm(network, row, algorithm) for row in found]


def count_multiplications(
    network: nn.Module, image: torch.Tensor, algorithm: str = DIRECT
) -> dict[str, int]:
    """Return the multiplications for one image by module name; see `count_operations`."""
    counts: dict[str, int] = {}
    for row in count_operations(network, image, algorithm):
        counts[row.module] = counts.get(row.module, 0) + row.multiplications
    return counts


def network_operations(
    name: str,
    height: int,
    width: int,
    models: str | Path = "models",
    algorithm: str = DIRECT,
) -> list[Multiplications]:
    """Return the operations of the network `name` (see `load_network`) for an image of that size.

    The image has the channels that the first convolution takes. ValueError for more pixels than
    MAX_PIXELS, and for a network that has no convolution, or does not take such an image.
    """
    check_size((height, width))
    network = load_network(name, models)
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None:
        raise ValueError(f"{name} has no two-dimensional convolution, so it takes no images")
    with naming_layers(f"{name} on {first.in_channels}x{height}x{width} images", network):
        return count_operations(network, torch.zeros(first.in_channels, height, width), algorithm)


def operation_rows(network: str, operations: Sequence[Multiplications]) -> list[dict]:
    """Return a row for each module and operator: network, layer, kind, shapes, counts, share.

    share : of the network's multiplications, in percent. A network without any is a ValueError.
    """
    total = sum(row.multiplications for row in operations)
    if not total:
        raise ValueError(f"{network}: its forward multiplies nothing")
    return [
        {
            "network": network,
            "layer": row.module or "(the network)",
            "kind": row.kind,
            "input": "x".join(map(str, row.input)),
            "output": "x".join(map(str, row.output)),
            "multiplications": row.multiplications,
            "look-ups": row.lookups,
            "share": 100 * row.multiplications / total,
        }
        for row in operations
    ]


def _by_algorithm(network: nn.Module, row: Multiplications, algorithm: str) -> Multiplications:
    """Return `row` with the multiplications that its layer takes by `algorithm`."""
    module = dict(network.named_modules()).get(row.module)
    if algorithm == DIRECT or not supports(algorithm, module):
        return row
    layer = layer_of(module)
    terms = layer.inputs * math.prod(layer.kernel)
    outputs = row.multiplications // terms
    is_linear = isinstance(module, nn.Linear)
    # The rows of a linear layer are one image's; see ApproxLinear.
    size = (outputs // layer.outputs, 1) if is_linear else row.output[-2:]
    images = outputs // (layer.outputs * math.prod(size))
    count = images * find_algorithm(algorithm).multiplications(layer, *size)
    return dataclasses.replace(row, multiplications=count)
