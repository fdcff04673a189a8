"""The cores by the classes of their specs."""

import functools
from collections.abc import Callable

from mbm_hw.discovery import import_modules
from mbm_hw.hdl.cores.core import Core
from mbm_hw.multipliers import Spec


@functools.singledispatch
def _core(spec: Spec, latency: int):
    raise TypeError(f"spec must be a multiplier spec, not {spec!r}")


def core_of(*kinds: type[Spec]) -> Callable[[type[Core]], type[Core]]:
    """Return a class decorator that makes a Core the component of these classes of specs.

    It serves their subclasses too, as far as these have no core of their own.
    """

    def register(core: type[Core]) -> type[Core]:
        for kind in kinds:
            _core.register(kind, core)
        return core

    return register


def core_kind(spec: Spec) -> type[Core]:
    """Return the class of the core that multiplies as `spec` says.

    A spec above 8 bits (mantissa bits, where it is a float spec) whose family has no component is a
    ValueError.
    """
    _discover()
    kind = _core.dispatch(type(spec))
    kind.check(spec)
    return kind


def core_for(spec: Spec, latency: int) -> Core:
    """Return the core that multiplies as `spec` says, with `latency` register stages, 0 to 3."""
    return core_kind(spec)(spec, latency)


@functools.cache
def _discover():
    import_modules(__package__)
