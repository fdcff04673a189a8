"""Functional coverage: which cases of the arithmetic the operand pairs of a design exercise.

A bin is a case in words that mean the same at every width (see `sim.cases`). Those that can be hit
are those that some pair of the design's narrow twin hits, all of whose pairs are gone through.
Every pair that is counted is simulated and its product checked.
"""

import functools
import itertools
from collections import Counter

import numpy as np

from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Spec
from sim.cases import cases_for


def covered(spec: Spec, a: np.ndarray, b: np.ndarray) -> Counter:
    """Return how many of the operand pairs hit each bin; a, b are what `multiply` takes."""
    counts = Counter()
    for names, index in cases_for(spec).bins(a, b):
        hits = np.bincount(index, minlength=len(names))
        counts.update({name: int(n) for name, n in zip(names, hits, strict=True) if n})
    return counts


def handshake(operands_valid: int, operands_ready: int, product_valid: int, product_ready: int):
    """Return the bin of a clock of a stream multiplier."""
    return f"operands {operands_valid}{operands_ready}, product {product_valid}{product_ready}"


def control(rst: int, en: int):
    """Return the bin of a clock of a pipelined multiplier."""
    return f"rst {rst}, en {en}"


def protocol(design: Design) -> frozenset[str]:
    """Return the bins of the clocks that there can be.

    Operands are refused after a product was stalled, and that product is then still there: they
    are never refused without a valid product. Without stages, operands that are not refused and a
    valid product are one and the same.
    """
    bits = (0, 1)
    if design.stream:
        clocks = itertools.product(bits, repeat=4)
        return frozenset(
            handshake(*clock)
            for clock in clocks
            if (clock[1] or clock[2]) and (design.pipeline or not clock[1] or clock[0] == clock[2])
        )
    return frozenset(control(rst, en) for rst in bits for en in bits if design.pipeline)


@functools.cache
def reachable(spec: Spec) -> frozenset[str]:
    """Return the bins that some pair of operands hits."""
    twin = cases_for(spec).twin()
    if twin is None:
        return frozenset()
    operands = cases_for(twin).all_operands()
    pairs = np.meshgrid(operands, operands, indexing="ij")
    return frozenset(covered(twin, *(operand.ravel() for operand in pairs)))
