"""The discovery of modules: whoever adds one to a package adds a file, and nobody edits a list."""

import functools
import importlib
import pkgutil
from collections.abc import Callable


def import_modules(package: str):
    """Import all modules of `package`, in the order of their names.

    package : the name of a package that can be imported, as mbm_hw.hdl.cores.
    """
    path = importlib.import_module(package).__path__
    for module in pkgutil.iter_modules(path, f"{package}."):
        importlib.import_module(module.name)


class ByClass:
    """Classes that serve the instances of others, as a core serves a spec.

    package : the package whose modules register them; they are imported when one is first wanted.
    """

    def __init__(self, package: str):
        self._entries = functools.singledispatch(_nothing)
        self._discover = functools.cache(lambda: import_modules(package))

    def serving(self, *kinds: type) -> Callable[[type], type]:
        """Return a class decorator that makes a class serve the instances of `kinds`.

        It serves their subclasses too, as far as these have no class of their own.
        """

        def register(entry: type) -> type:
            for kind in kinds:
                self._entries.register(kind, entry)
            return entry

        return register

    def find(self, served: object) -> type:
        """Return the class that serves `served`; a TypeError if there is none."""
        self._discover()
        entry = self._entries.dispatch(type(served))
        if entry is _nothing:
            raise TypeError(f"nothing serves a {type(served).__name__}")
        return entry


def _nothing(served: object):
    """Stand for no class."""
