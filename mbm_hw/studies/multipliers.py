"""How wrong a study's multipliers are by themselves: what its report shows beside the network."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from mbm_hw.multipliers import Spec, Table
from mbm_hw.multipliers.differences import product_difference
from mbm_hw.multipliers.errors import error_histogram, error_metrics, pair_count

PAIRS = 2**20  # of operands; more than these are sampled
BINS = 96
WIDEST = 30  # percent: where the histograms end at the latest


def multiplier_errors(names: Mapping[Spec, str]) -> dict:
    """Return the error metrics and histograms of the approximate specs, plain values.

    names : how they are called, in the order of the result.

    edges : of the histograms' bins, relative error in percent, the same for all. multipliers : name
    -> spec (its repr), the fields of `ErrorMetrics`, and histogram, the share of operand pairs in
    each bin, 0 to 1, of the pairs whose exact product is not 0. Uniform operands: every pair, or a
    sample of PAIRS, seed 0.
    differences : see `table_differences`.
    """
    found = {}
    for spec in names:
        if not spec.is_exact:
            samples = None if pair_count(spec) <= PAIRS else PAIRS
            found[spec] = samples, error_metrics(spec, samples)
    peaks = [max(m.peak_max, -m.peak_min) for _, m in found.values()]
    end = min(math.ceil(max(peaks, default=0)) or 1, WIDEST)
    edges = np.linspace(-end, end, BINS + 1)
    multipliers = {
        names[spec]: {"spec": repr(spec)}
        | dataclasses.asdict(metrics)
        | {"histogram": (error_histogram(spec, edges, samples) / metrics.relative_pairs).tolist()}
        for spec, (samples, metrics) in found.items()
    }
    return {
        "edges": edges.tolist(),
        "multipliers": multipliers,
        "differences": table_differences(names),
    }


def table_differences(names: Mapping[Spec, str]) -> list[dict]:
    """Return how each product table among the specs differs from the other approximate integers.

    table, other : names; and the fields of `Difference`.
    """
    integers = [spec for spec in names if not (spec.is_float or spec.is_exact)]
    tables = [spec for spec in integers if spec.family == Table.family]
    return [
        {"table": names[table], "other": names[other]}
        | dataclasses.asdict(product_difference(table, other))
        for table in tables
        for other in integers
        if other != table
    ]
