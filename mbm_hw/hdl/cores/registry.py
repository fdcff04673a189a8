"""The cores by the classes of their specs."""

from mbm_hw.hdl.cores.core import Core
from mbm_hw.multipliers import Spec
from mbm_hw.system.discovery import ByClass

_CORES = ByClass(__package__)

core_of = _CORES.serving
"""Return a class decorator that makes a Core the component of classes of specs."""


def core_kind(spec: Spec) -> type[Core]:
    """Return the class of the core that multiplies as `spec` says.

    A spec above 8 bits (mantissa bits, where it is a float spec) whose family has no component is a
    ValueError.
    """
    kind = _CORES.find(spec)
    kind.check(spec)
    return kind


def core_for(spec: Spec, latency: int) -> Core:
    """Return the core that multiplies as `spec` says, with `latency` register stages, 0 to 3."""
    return core_kind(spec)(spec, latency)
