"""Checks of a family's errors: parameters that order them, and the papers' figures."""

import dataclasses
from collections.abc import Sequence

from mbm_hw.conformance.checks import Absent, Failure, of_family
from mbm_hw.multipliers import Spec, find_spec
from mbm_hw.multipliers.errors import ErrorMetrics, error_metrics
from mbm_hw.multipliers.parameters import Integer, parameter_of
from mbm_hw.multipliers.published import PUBLISHED, Figures
from mbm_hw.multipliers.registry import Family, family_of_spec

MONOTONE_BITS = 8
SAMPLES = 2**18
SIGMAS = 5
"""The standard errors by which a sample's figures may be off."""
PEAK = 0.04
"""The share by which a sample's peak may fall short of the published one."""


@of_family
def check_monotone(entry: Family, specs: Sequence[Spec]):
    """The mean error never rises, or never falls, with the parameters that the class declares."""
    declared = dict.fromkeys(entry.kind.improved_by, -1) | dict.fromkeys(entry.kind.worsened_by, 1)
    if not declared:
        raise Absent("the class declares no parameters in improved_by or worsened_by")
    narrow = [spec for spec in specs if spec.width <= MONOTONE_BITS]
    if not narrow:
        raise Absent(f"no spec of at most {MONOTONE_BITS} bits")
    widest = max(spec.width for spec in narrow)
    for name, direction in declared.items():
        for spec in (spec for spec in narrow if spec.width == widest):
            _check_order(spec, name, direction)


def _check_order(spec: Spec, name: str, direction: int):
    parameter = next((parameter_of(f) for f in dataclasses.fields(spec) if f.name == name), None)
    if not isinstance(parameter, Integer):
        raise Failure(f"{type(spec).__name__}: {name!r} must be one of its integer parameters")
    before = None
    for value in parameter.legal(spec):
        try:
            now = dataclasses.replace(spec, **{name: value})
        except ValueError:  # a later parameter is illegal with this value
            continue
        if before and (error_metrics(now).med - error_metrics(before).med) * direction < 0:
            way = "fall" if direction > 0 else "rise"
            raise Failure(
                f"the mean error must not {way} with {name}: {before.identifier} has "
                f"{error_metrics(before).med:.4g}, {now.identifier} {error_metrics(now).med:.4g}"
            )
        before = now


@of_family
def check_published(entry: Family, specs: Sequence[Spec]):
    """The published figures come out, to the last printed digit and within a sample's error."""
    rows = [
        (row, publication.include_zeros)
        for publication in PUBLISHED.values()
        for row in publication.rows
        if (row.bias, row.mred, row.peak) != (None, None, None)
        and family_of_spec(find_spec(row.spec)) is entry
    ]
    if not rows:
        raise Absent("no published figures of its errors")
    for row, include_zeros in rows:
        spec = find_spec(row.spec)
        samples = None if spec.width <= MONOTONE_BITS else SAMPLES
        _check_figures(row, error_metrics(spec, samples, include_zeros=include_zeros))


def _check_figures(row: Figures, metrics: ErrorMetrics):
    peak = max(metrics.peak_max, -metrics.peak_min)
    for name, published, ours in (
        ("bias", row.bias, metrics.bias),
        ("mred", row.mred, metrics.mred),
        ("peak", row.peak, peak),
    ):
        if published is None:
            continue
        tolerance = last_digit(published) + SIGMAS * metrics.standard_error
        if name == "peak" and metrics.standard_error:
            tolerance += PEAK * published
        if abs(ours - published) > tolerance:
            raise Failure(f"{row.spec}: {name} is {ours:.4f} %, published {published} %")


def last_digit(published: float) -> float:
    """Return a unit of the last printed digit: papers round, and some cut."""
    digits = len(str(published).partition(".")[2])
    return 1.01 * 10.0**-digits
