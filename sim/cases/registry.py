"""The cases by the classes of their specs."""

from mbm_hw.multipliers import Spec
from mbm_hw.system.discovery import ByClass

_CASES = ByClass(__package__)

cases_of = _CASES.serving
"""Return a class decorator that makes a class the cases of classes of specs."""


def cases_for(spec: Spec):
    """Return the cases of `spec`: an IntegerCases or a FloatCases."""
    return _CASES.find(spec)(spec)
