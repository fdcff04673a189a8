"""Codes under an algorithm: how large they may be, so that transforms are exact and in range."""

from torch import Tensor

from mbm_hw.ops.algorithms import find_algorithm
from mbm_hw.ops.algorithms.algorithm import Algorithm, Layer
from mbm_hw.ops.codes import check_codes_within
from mbm_hw.ops.spec_values import SpecValues

EXACT_SUM = 1 << 53
"""Integers to this size are exact in float64, which the transforms are computed in."""


def largest_codes(algorithm: Algorithm, layer: Layer, spec: SpecValues) -> tuple[int, int]:
    """Return how large codes of x and w may be for all transformed ones to be operands of `spec`.

    An algorithm whose transforms are not integers, an unsigned spec, one too narrow for any code,
    and more terms than can be summed exactly are a ValueError.
    """
    bilinear, name = algorithm.bilinear(layer), algorithm.name
    if not algorithm.is_integer:
        raise ValueError(f"{name} takes float specs: its transforms are not integers; not {spec}")
    if not spec.signed:
        raise ValueError(f"{name} takes signed specs, since its transforms subtract; not {spec}")
    largest, (*gains, output_gain) = spec.code_range[1], bilinear.gains
    if max(gains) > largest:
        raise ValueError(
            f"{name} enlarges codes up to {gains[0]} and {gains[1]} times: not for {spec}, whose "
            f"operands go to {largest}"
        )
    terms = EXACT_SUM // (output_gain << (2 * spec.width - 1))
    if algorithm.terms(layer) > terms:
        count = algorithm.terms(layer)
        raise ValueError(f"{name} sums at most {terms} products of {spec} exactly, not {count}")
    return tuple(largest // gain for gain in gains)


def check_transformable(
    operator: str, algorithm: str, layer: Layer, spec: SpecValues, **codes: Tensor
):
    """Raise a ValueError if a code of x or w, in this order, is too large: `largest_codes`."""
    limits = largest_codes(find_algorithm(algorithm), layer, spec)
    for (name, tensor), limit in zip(codes.items(), limits, strict=True):
        check_codes_within(f"{operator}: {name}", tensor, -limit, limit, f"{algorithm}, {spec}")
