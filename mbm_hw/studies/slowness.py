"""Multipliers that are slow in the kernels: said before a study starts, with the time it takes."""

import functools
import time
from collections.abc import Iterable, Mapping
from statistics import median

import torch
from torch.nn import functional

from mbm_hw.multipliers import Spec
from mbm_hw.ops import code_dtype, conv2d, float_conv2d, round_to_format

SLOW = 20
"""Times the exact float32 convolution: from here on a multiplier is called slow."""
CHANNELS, SIDE, REPEATS = 32, 24, 3
_PRODUCTS = CHANNELS**2 * 9 * SIDE**2


def is_by_table(spec: Spec) -> bool:
    """Return whether products are read from a table in memory: what alone can be slow."""
    return spec.lowering() is None and (spec.is_float or spec.width > 8)


def slow_multipliers(names: Mapping[Spec, str], products: int) -> Iterable[str]:
    """Yield a line for each slow multiplier: how slow, and how long so many products take.

    names : how outputs call the specs. products : of the whole study under one spec. Measured on
    this machine's CPU with a convolution of 5 million products, only for specs that may be slow.
    """
    specs = [spec for spec in names if is_by_table(spec)]
    if not specs:
        return
    x, w = torch.rand(1, CHANNELS, SIDE, SIDE), torch.rand(CHANNELS, CHANNELS, 3, 3)
    exact = _seconds(lambda: functional.conv2d(x, w, padding=1))
    for spec in specs:
        taken = _seconds(
            functools.partial(_operator(spec), *_operands(spec, x, w), spec, padding=1)
        )
        if taken > SLOW * exact:
            minutes = products * taken / _PRODUCTS / 60
            yield (
                f"{names[spec]} is slow: about {taken / exact:.0f} times the exact float32 layers, "
                f"some {minutes:.1f} min for this study"
            )


def _operator(spec):
    return float_conv2d if spec.is_float else conv2d


def _operands(spec, *values):
    if spec.is_float:
        return [round_to_format(v, spec.exponent_bits, spec.mantissa_bits) for v in values]
    return [v.mul(spec.operand_max).round().to(code_dtype(spec)) for v in values]


def _seconds(function) -> float:
    function()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return median(times)
