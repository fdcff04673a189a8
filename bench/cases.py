"""What is timed: layers of real networks, and one spec of each kind."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from mbm_hw.catalog import find_spec
from mbm_hw.spec import Spec, Table
from mbm_hw.studies.networks import load_network


@dataclass(frozen=True)
class Layer:
    """A layer, or a network, and the shape of one image's input, without the batch.

    specs, batches : those that are timed, of the ones asked for; None for all.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    specs: tuple[str, ...] | None = None
    batches: tuple[int, ...] | None = None


LAYERS = {
    # DenseDepth's decoder.conv2: what the study that this project comes from waited for.
    "1x1 2208-1104 15x20": Layer(lambda: nn.Conv2d(2208, 1104, 1), (2208, 15, 20)),
    "3x3 128-128 60x80": Layer(lambda: nn.Conv2d(128, 128, 3, padding=1), (128, 60, 80)),
    "3x3 69-69 240x320": Layer(lambda: nn.Conv2d(69, 69, 3, padding=1), (69, 240, 320)),
    "3x3/2 64-128 120x160": Layer(
        lambda: nn.Conv2d(64, 128, 3, stride=2, padding=1), (64, 120, 160)
    ),
    "depthwise 3x3 96 112x112": Layer(
        lambda: nn.Conv2d(96, 96, 3, padding=1, groups=96), (96, 112, 112)
    ),
    "linear 1024-1000": Layer(lambda: nn.Linear(1024, 1000), (1024,)),
    "densedepth161 480x640": Layer(
        lambda: load_network("models/densedepth.py:densedepth161"), (3, 480, 640), ("mbm8s",), (1,)
    ),
}


def specs() -> dict[str, Spec]:
    """Return one spec of each kind that the kernels treat differently, by name."""
    random = np.random.default_rng(0).integers(-(2**15), 2**15, (256, 256))
    names = (
        *("exact8s", "mitchell8s", "mbm8s", "mbm8s_t2", "mbm12s", "mitchell16s", "mbm16s"),
        *("mbm16s_t8", "exact_bf16", "mitchell_bf16", "mitchell_fp32"),
        *("mbm_bf16", "mbm_fp16", "mbm_fp32"),
    )
    found = {name: find_spec(name) for name in names}
    return {"random table, 8 bits": Table(random, signed=True)} | found


def plan(layers, chosen, batches) -> list[tuple[str, list[str], int]]:
    """Return what is timed together: layer, specs, batch."""
    return [
        (name, [spec for spec in chosen if spec in (LAYERS[name].specs or chosen)], batch)
        for name in layers
        for batch in batches
        if LAYERS[name].batches is None or batch in LAYERS[name].batches
    ]
