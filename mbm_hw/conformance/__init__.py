"""The conformance suite: what every family of multipliers must keep, one's own too.

A check is a function that raises a `Failure`, or `Absent` where a family has nothing to check. It
is registered by `of_spec` or `of_family`. `conform` runs all checks on one family; `mbm-hw check`
prints what came of it. Checks of other packages are registered when these are imported, as those
of the project's `proof.conformance` are.
"""

from mbm_hw.conformance import documentation, errors, hardware, identity, operators, products
from mbm_hw.conformance.checks import CHECKS, Absent, Failure, Result, conform, of_family, of_spec
from mbm_hw.conformance.points import WIDTHS, points

__all__ = [
    "CHECKS",
    "WIDTHS",
    "Absent",
    "Failure",
    "Result",
    "conform",
    "documentation",
    "errors",
    "hardware",
    "identity",
    "of_family",
    "of_spec",
    "operators",
    "points",
    "products",
]
