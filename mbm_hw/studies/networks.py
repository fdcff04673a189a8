"""The networks under study: found by file and factory, filled with weights."""

import ast
import functools
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from mbm_hw.studies.checkpoints import read_checkpoint

CONVERTIBLE = (nn.Conv2d, nn.Linear)


def load_network(name: str, models: str | Path = "models", seed: int | None = None) -> nn.Module:
    """Return a new network, with the weights that its factory gives it, in evaluation mode.

    name : `file.py:factory`, or the bare name of a factory in the folder `models`. An unknown name
    is a ValueError that lists the known ones. seed : of random weights, None for whatever comes.
    """
    if ":" not in name:
        known = network_names(models)
        if name not in known:
            raise ValueError(f"no network is called {name!r} in {models}: {', '.join(known)}")
        name = f"{known[name]}:{name}"
    factory = load_function(name)
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        return factory().eval()


def network_names(models: str | Path = "models") -> dict[str, Path]:
    """Return the factories in the folder: name -> file.

    A factory is a function at the top of a file that says it returns an nn.Module and needs no
    argument. The files are read, not run.
    """
    names = {}
    for path in sorted(Path(models).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                required = len(node.args.args) - len(node.args.defaults)
                if ast.unparse(node.returns).endswith("nn.Module") and not required:
                    names[node.name] = path
    return names


def load_function(name: str) -> Callable:
    """Return the function of `file.py:function`; the file's own folder is importable meanwhile."""
    file, _, function = name.rpartition(":")
    path = Path(file).resolve()
    if not path.is_file():
        raise ValueError(f"{name}: there is no file {file}")
    found = getattr(_load_file(path), function, None)
    if not callable(found):
        raise ValueError(f"{name}: {file} has no function {function!r}")
    return found


@functools.cache
def _load_file(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules.setdefault(path.stem, module)
    sys.path.insert(0, str(path.parent))
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def load_weights(network: nn.Module, weights: str, data: Path | None = None) -> None:
    """Fill the network's weights in place.

    weights : a checkpoint (see `read_checkpoint`), or `file.py:function`, called with the network
    and `data`, the folder of real data sets, or None. Keys that do not fit are a ValueError.
    """
    try:
        if ".py:" in weights:
            load_function(weights)(network, data)
        else:
            network.load_state_dict(read_checkpoint(weights))
    except RuntimeError as error:  # how load_state_dict says that keys or shapes differ
        raise ValueError(f"weights: {weights} does not fit the network: {error}") from error
