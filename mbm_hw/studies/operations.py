"""How many products a network takes: counted layer by layer, while it runs once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mbm_hw.nn.geometry import layer_of, supports
from mbm_hw.ops.algorithms import DIRECT, find_algorithm
from mbm_hw.studies.data.dataset import check_size
from mbm_hw.studies.networks import CONVERTIBLE, load_network


@dataclass(frozen=True)
class LayerOperations:
    """The products of one layer for one image; of all its calls, if it is called several times.

    layer : its name in the network. kind : `conv 3x3 /2`, `depthwise 3x3`, `linear`, ...
    input, output : shapes without the batch, of the last call.
    multiplications : those with zero padding are counted, as is usual.
    lookups : the direct ones that meet no padding: what an emulation by look-ups must look up.
    """

    layer: str
    kind: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    multiplications: int
    lookups: int


@torch.inference_mode()
def count_operations(
    network: nn.Module, image: torch.Tensor, algorithm: str = DIRECT
) -> list[LayerOperations]:
    """Return the operations of every convolution and linear layer, in the order of the calls.

    algorithm : whose multiplications are counted, in the layers that it can do (`nn.supports`); the
        others are direct.
    network : any; it runs once on `image`, [C, H, W] or what it takes without the batch, on the
        device of both (`meta` computes nothing). Layers that do not run are not listed.
    """
    counted: dict[str, LayerOperations] = {}

    def observe(name):
        def hook(module, inputs, output):
            operations = _operations(name, module, inputs[0].shape, output.shape, algorithm)
            before = counted.get(name)
            counted[name] = operations if before is None else _sum(before, operations)

        return hook

    handles = [
        module.register_forward_hook(observe(name))
        for name, module in network.named_modules()
        if isinstance(module, CONVERTIBLE)
    ]
    try:
        network(image[None])
    finally:
        for handle in handles:
            handle.remove()
    return list(counted.values())


def count_multiplications(
    network: nn.Module, image: torch.Tensor, algorithm: str = DIRECT
) -> dict[str, int]:
    """Return layer name -> multiplications for one image; see `count_operations`."""
    counted = count_operations(network, image, algorithm)
    return {layer.layer: layer.multiplications for layer in counted}


def network_operations(
    name: str,
    height: int,
    width: int,
    models: str | Path = "models",
    algorithm: str = DIRECT,
) -> list[LayerOperations]:
    """Return the operations of the network `name` (see `load_network`) for an image of that size.

    The image has the channels that the first convolution takes. ValueError for more pixels than
    MAX_PIXELS, and for a network that has no convolution, or does not take such an image.
    """
    check_size((height, width))
    network = load_network(name, models)
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None:
        raise ValueError(f"{name} has no convolution, so it takes no images")
    try:
        return count_operations(network, torch.zeros(first.in_channels, height, width), algorithm)
    except RuntimeError as error:
        raise ValueError(f"{name} does not take {height}x{width} images: {error}") from error


def operation_rows(network: str, operations: Sequence[LayerOperations]) -> list[dict]:
    """Return a row for each layer: network, layer, kind, shapes, counts, share in percent."""
    total = sum(layer.multiplications for layer in operations)
    return [
        {
            "network": network,
            "layer": layer.layer,
            "kind": layer.kind,
            "input": "x".join(map(str, layer.input)),
            "output": "x".join(map(str, layer.output)),
            "multiplications": layer.multiplications,
            "look-ups": layer.lookups,
            "share": 100 * layer.multiplications / total,
        }
        for layer in operations
    ]


def _sum(a: LayerOperations, b: LayerOperations) -> LayerOperations:
    counts = a.multiplications + b.multiplications, a.lookups + b.lookups
    return LayerOperations(b.layer, b.kind, b.input, b.output, *counts)


def _operations(name, module, input_shape, output_shape, algorithm) -> LayerOperations:
    shapes = tuple(input_shape[1:]), tuple(output_shape[1:])
    terms = module.weight[0].numel()
    multiplications = int(np.prod(output_shape)) * terms
    lookups = multiplications
    if algorithm != DIRECT and supports(algorithm, module):
        is_linear = isinstance(module, nn.Linear)
        size = (int(np.prod(output_shape[:-1])), 1) if is_linear else output_shape[-2:]
        multiplications = find_algorithm(algorithm).multiplications(layer_of(module), *size)
    if isinstance(module, nn.Linear):
        return LayerOperations(name, "linear", *shapes, multiplications, lookups)
    outputs = int(np.prod(output_shape[:-2]))
    lookups = outputs * module.weight.shape[1]
    for axis in (0, 1):
        lookups *= _inside(module, axis, input_shape[axis - 2], output_shape[axis - 2])
    return LayerOperations(name, _kind(module), *shapes, multiplications, lookups)


def _inside(conv: nn.Conv2d, axis: int, size: int, outputs: int) -> int:
    """Return how many pairs of an output and a kernel position meet the image, along one axis."""
    if conv.padding_mode != "zeros":
        return outputs * conv.kernel_size[axis]
    before = conv._reversed_padding_repeated_twice[2 * (1 - axis)]
    starts = np.arange(outputs) * conv.stride[axis] - before
    steps = np.arange(conv.kernel_size[axis]) * conv.dilation[axis]
    met = starts[:, None] + steps
    return int(np.count_nonzero((met >= 0) & (met < size)))


def _kind(conv: nn.Conv2d) -> str:
    groups = "conv" if conv.groups == 1 else f"{conv.groups} groups"
    if conv.groups == conv.in_channels > 1:
        groups = "depthwise"
    kernel = "x".join(map(str, conv.kernel_size))
    steps = ((" /", conv.stride), (" dilated ", conv.dilation))
    return f"{groups} {kernel}" + "".join(
        word + "x".join(map(str, step if len(set(step)) > 1 else step[:1]))
        for word, step in steps
        if set(step) != {1}
    )
