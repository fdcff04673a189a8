"""The discovery of modules: whoever adds one to a package adds a file, and nobody edits a list."""

import importlib
import pkgutil


def import_modules(package: str):
    """Import all modules of `package`, in the order of their names.

    package : the name of a package that can be imported, as mbm_hw.hdl.cores.
    """
    path = importlib.import_module(package).__path__
    for module in pkgutil.iter_modules(path, f"{package}."):
        importlib.import_module(module.name)
