"""Functional coverage of MACs and dot-product units: controls, overflow and its flag, lanes."""

import itertools
from collections.abc import Sequence

import numpy as np

from mbm_hw.hdl.dot_product_verilog import DotProductDesign

SIGNS = {1: "positive", -1: "negative", 0: "0"}


def control(first: int, rst: int, en: int) -> str:
    """Return the bin of a clock."""
    return f"first {first}, rst {rst}, en {en}"


def addition(sum_range: str) -> str:
    """Return the bin of an addition to the accumulator; its argument is from `Model.add`."""
    return f"sum {sum_range}"


def set_flag(event: str) -> str:
    """Return the bin of a clock at which the overflow flag was set, and that event came."""
    return f"flag set, {event}"


def lanes(products: np.ndarray) -> set[str]:
    """Return the bins of products, integers [clocks, lanes]: all of one sign, or not."""
    signs = np.sign(products)
    alike = signs[(signs == signs[:, :1]).all(axis=1), 0]
    found = {f"lanes: all {SIGNS[sign]}" for sign in np.unique(alike).tolist()}
    return found | ({"lanes: mixed"} if len(alike) < len(products) else set())


def reachable(design: DotProductDesign, signs: Sequence[int]) -> frozenset[str]:
    """Return all bins there are; signs : those of -1, 0 and 1 that the spec's products have.

    A sum leaves its range upward only by positive products, downward by negative ones. The first
    of its additions always fits the accumulator.
    """
    directions = [way for sign, way in ((1, "upward"), (-1, "downward")) if sign in signs]
    bins = {control(*bits) for bits in itertools.product((0, 1), repeat=3)}
    bins |= {addition(f"leaves {way}") for way in directions} | {addition("stays")}
    bins |= {set_flag(event) for event in ("added to", "cleared by first", "reset", "stalled")}
    bins |= {f"lanes: all {SIGNS[sign]}" for sign in signs}
    return frozenset(bins | ({"lanes: mixed"} if design.lanes > 1 < len(signs) else set()))
