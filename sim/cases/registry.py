"""The cases by the classes of their specs."""

import functools
from collections.abc import Callable

from mbm_hw.discovery import import_modules
from mbm_hw.multipliers import Spec


@functools.singledispatch
def _cases(spec: Spec):
    raise TypeError(f"spec must be a multiplier spec, not {spec!r}")


def cases_of(*kinds: type[Spec]) -> Callable[[type], type]:
    """Return a decorator that makes a class the cases of these classes of specs.

    It serves their subclasses too, as far as these have no cases of their own.
    """

    def register(cases: type) -> type:
        for kind in kinds:
            _cases.register(kind, cases)
        return cases

    return register


def cases_for(spec: Spec):
    """Return the cases of `spec`: an IntegerCases or a FloatCases."""
    _discover()
    return _cases(spec)


@functools.cache
def _discover():
    import_modules(__package__)
