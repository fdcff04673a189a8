"""The networks under study: found by file and factory, filled with weights."""

import ast
import functools
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from mbm_hw.studies.checkpoints import open_checkpoint
from mbm_hw.studies.fields import found
from mbm_hw.studies.user_code import user_code

CONVERTIBLE = (nn.Conv2d, nn.Linear)


def load_network(name: str, models: str | Path = "models", seed: int | None = None) -> nn.Module:
    """Return a new network, with the weights that its factory gives it, in evaluation mode.

    name : `file.py:factory`, or the bare name of a factory in the folder `models`. An unknown name
    is a ValueError that lists the known ones. seed : of random weights, None for whatever comes.
    """
    if ":" not in name:
        name = f"{_file_of(name, models)}:{name}"
    factory = load_function(name)
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        with user_code(f"network {name}"):
            network = factory()
            if not isinstance(network, nn.Module):
                raise ValueError(f"it must return an nn.Module, not {found(network)}")
            return network.eval()


def _file_of(name: str, models: str | Path) -> Path:
    known, unreadable = _factories(models)
    if name not in known:
        but = f"; cannot be read: {', '.join(unreadable)}" if unreadable else ""
        names = ", ".join(known)
        raise ValueError(f"no network is called {name!r} in {models}{but}; known: {names}")
    return known[name]


def network_names(models: str | Path = "models") -> dict[str, Path]:
    """Return the factories in the folder: name -> file.

    A factory is a function at the top of a file that says it returns an nn.Module and needs no
    argument. The files are read, not run; one that is not Python is left out.
    """
    return _factories(models)[0]


def _factories(models: str | Path) -> tuple[dict[str, Path], list[str]]:
    """Return the factories in the folder, and the names of the files that are not Python."""
    names, unreadable = {}, []
    for path in sorted(Path(models).glob("*.py")):
        try:
            nodes = ast.parse(path.read_bytes()).body
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            unreadable.append(path.name)
            continue
        for node in nodes:
            if isinstance(node, ast.FunctionDef) and node.returns is not None:
                required = len(node.args.args) - len(node.args.defaults)
                if ast.unparse(node.returns).endswith("nn.Module") and not required:
                    names[node.name] = path
    return names, unreadable


def load_function(name: str) -> Callable:
    """Return the function of `file.py:function`; the file's own folder is importable meanwhile."""
    file, _, function = name.rpartition(":")
    path = Path(file).resolve()
    if not path.is_file():
        raise ValueError(f"{name}: there is no file {file}")
    with user_code(file):
        loaded = getattr(_load_file(path), function, None)
    if not callable(loaded):
        raise ValueError(f"{name}: {file} has no function {function!r}")
    return loaded


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


def load_weights(network: nn.Module, weights: str, data: Path | None = None) -> str:
    """Fill the network's weights in place; return in a sentence what a reader must know of it.

    weights : a checkpoint (see `open_checkpoint`), or `file.py:function`, called with the network
    and `data`, the folder of real data sets, or None. Keys or shapes that do not fit are a
    ValueError that names the first of them.

    The sentence tells wrappers and prefixes that a checkpoint lost, and a function that changed
    nothing; otherwise it is empty.
    """
    if ".py:" in weights:
        before = {key: value.clone() for key, value in _tensors(network).items()}
        function = load_function(weights)
        with user_code(f"weights: {weights}", network):
            function(network, data)
        after = _tensors(network)
        is_same = before.keys() == after.keys() and all(
            torch.equal(value, after[key]) for key, value in before.items()
        )
        return f"{weights} changed nothing: the weights are the factory's" if is_same else ""
    checkpoint = open_checkpoint(weights, _tensors(network))
    if misfits := _misfits(network, checkpoint.state):
        raise ValueError(f"weights: {weights} does not fit the network: {misfits}")
    stripped = ", ".join(map(repr, checkpoint.stripped))
    return f"{weights} was loaded without its {stripped}" if stripped else ""


def _tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value for key, value in network.state_dict().items() if torch.is_tensor(value)}


def _misfits(network: nn.Module, state: Mapping[str, torch.Tensor]) -> str:
    """Fill the network from `state`; return in words the first keys that do not fit."""
    expected = _tensors(network)
    for key, value in state.items():
        if key in expected and value.shape != expected[key].shape:
            return f"{key[:100]} is {list(value.shape)}, not {list(expected[key].shape)}"
    try:
        keys = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # of a module's own
        return str(error)
    sides = {"it lacks": keys.missing_keys, "it must not have": keys.unexpected_keys}
    return "; ".join(
        f"{how} {names[0][:60]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}"
        for how, names in sides.items()
        if names
    )
