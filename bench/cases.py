"""What is timed: layers of real networks, one spec of each kind, and which of them together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import nn

from mbm_hw.multipliers import Spec, Table, families, find_spec
from mbm_hw.multipliers.names import specs_of
from mbm_hw.studies.networks import load_network
from mbm_hw.studies.operations import count_multiplications


@dataclass(frozen=True)
class Layer:
    """A layer, or a network, and the shape of one image's input, without the batch."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    is_network: bool = False


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
        lambda: load_network("models/densedepth.py:densedepth161"), (3, 480, 640), is_network=True
    ),
}
TABLE = "random table, 8 bits"
# One of each kernel; a pass of many products is timed with these alone.
FEW_SPECS = (TABLE, "mitchell8s", "mbm8s", "mbm16s", "mbm_bf16")
MANY_PRODUCTS = 4 * 10**9
NETWORK_SPECS = ("mbm8s",)
FAMILY_LAYER = "3x3 128-128 60x80"
"""The layer on which a spec of each family is timed; most have a kernel of `specs`."""
PORTABLE_PRODUCTS = 10**9


KINDS = (
    *("exact8s", "exact12s", "exact16s", "mitchell8s", "mbm8s", "mbm8s_t2", "mbm12s"),
    *("mitchell16s", "mbm16s", "mbm16s_t8", "exact_bf16", "mitchell_bf16", "mitchell_fp32"),
    *("mbm_bf16", "mbm_fp16", "mbm_fp32"),
)


def specs() -> dict[str, Spec]:
    """Return one spec of each kind that the kernels treat differently, then those of families."""
    random = np.random.default_rng(0).integers(-(2**15), 2**15, (256, 256))
    kinds = {TABLE: Table(random, signed=True)} | {name: find_spec(name) for name in KINDS}
    return kinds | family_specs()


@cache
def family_specs() -> dict[str, Spec]:
    """Return the first design point of each family at 8 and at 16 bits, and of floats the first.

    Signed ones, which networks take. Those of 16 bits that have no kernel are left out: operators
    refuse them.
    """
    found = {}
    for entry in families():
        points = specs_of(entry).values()
        by_width = {}
        for spec in points:
            by_width.setdefault(spec.width if not spec.is_float else None, spec)
        for spec in (by_width.get(width) for width in (8, 16, None)):
            if spec is None or (spec.width > 12 and not spec.is_float and not spec.lowering()):
                continue
            spec = spec if spec.signed else spec.twin(signed=True)
            found[spec.identifier] = spec
    return found


@dataclass(frozen=True)
class Round:
    """What takes turns: a layer's exact pass and one under each spec."""

    layer: str
    specs: tuple[str, ...]
    batch: int
    threads: int


def plan(
    isa: str,
    layers: Sequence[str],
    chosen: Sequence[str],
    batches: Sequence[int],
    threads: Sequence[int],
) -> list[Round]:
    """Return the rounds on an instruction set, by rules that keep the whole within an hour.

    A pass of more than MANY_PRODUCTS is timed with FEW_SPECS. A network is timed with
    NETWORK_SPECS, the smallest batch, the most threads. The specs of `family_specs` that are of no
    other kind are timed on FAMILY_LAYER, the smallest batch, the most threads. `portable`, which
    only runs where nothing else does, is timed with the smallest batch, the fewest threads, up to
    PORTABLE_PRODUCTS.
    """
    rounds = []
    for name in layers:
        for batch in batches:
            for count in threads:
                products = batch * products_of(name)
                among = chosen
                if LAYERS[name].is_network:
                    if isa == "portable" or (batch, count) != (min(batches), max(threads)):
                        continue
                    among = NETWORK_SPECS
                elif isa == "portable":
                    if (batch, count) != (min(batches), min(threads)):
                        continue
                    if products > PORTABLE_PRODUCTS:
                        continue
                if products > MANY_PRODUCTS and not LAYERS[name].is_network:
                    among = FEW_SPECS
                is_for_families = name == FAMILY_LAYER and isa != "portable"
                is_for_families &= (batch, count) == (min(batches), max(threads))
                left_out = set() if is_for_families else family_specs().keys() - set(KINDS)
                names = tuple(s for s in chosen if s in among and s not in left_out)
                rounds.append(Round(name, names, batch, count))
    return rounds


@cache
def products_of(name: str) -> int:
    """Return the products of a pass with one image."""
    layer = LAYERS[name]
    with torch.device("meta"):
        x = torch.empty(1, *layer.shape)
    network = nn.Sequential(layer.build()).eval()
    return sum(count_multiplications(network.to("meta"), x[0]).values())
