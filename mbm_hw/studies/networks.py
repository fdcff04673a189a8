"""The networks under study: found by file and factory, filled with weights."""

import ast
import copy
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mbm_hw.studies.checkpoints import open_checkpoint
from mbm_hw.studies.fields import found
from mbm_hw.system.user_code import load_function, running

CONVERTIBLE = (nn.Conv2d, nn.Linear)


def load_network(name: str, models: str | Path = "models", seed: int | None = None) -> nn.Module:
    """Return a new network, with the weights that its factory gives it, in evaluation mode.

    name : `file.py:factory`, or the bare name of a factory in the folder `models`. An unknown name
    is a ValueError that lists the known ones; so is a factory that fails, or returns no nn.Module.
    seed : of random weights, None for whatever comes.
    """
    name = factory_name(name, models)
    factory = load_function(name)
    with torch.random.fork_rng(enabled=seed is not None), running(name):
        if seed is not None:
            torch.manual_seed(seed)
        network = factory()
        if not isinstance(network, nn.Module):
            raise ValueError(f"it must return an nn.Module, not {found(network)}")
        return network.eval()


def factory_name(name: str, models: str | Path = "models") -> str:
    """Return the `file.py:factory` of a network; see `load_network`."""
    if ":" in name:
        return name
    known, unreadable = _factories(models)
    if name not in known:
        but = f"; cannot be read: {', '.join(unreadable)}" if unreadable else ""
        names = ", ".join(known)
        raise ValueError(f"no network is called {name!r} in {models}{but}; known: {names}")
    return f"{known[name]}:{name}"


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


def load_weights(network: nn.Module, weights: str, data: Path | None = None) -> str:
    """Fill the network's weights in place; return in a sentence what a reader must know of it.

    weights : a checkpoint (see `open_checkpoint`), or `file.py:function`, called with the network
    and `data`, the folder of real data sets, or None. Keys or shapes that do not fit are a
    ValueError that names the first of them.

    The sentence tells wrappers and prefixes that a checkpoint lost, and a function that changed
    nothing; otherwise it is empty.
    """
    before = _tensors(network)
    if ".py:" in weights:
        before = {key: value.clone() for key, value in before.items()}
        function = load_function(weights)
        with running(weights):
            function(network, data)
        is_same = _are_equal(before, _tensors(network))
        return f"{weights} changed nothing: the weights are the factory's" if is_same else ""
    try:
        checkpoint = open_checkpoint(weights, before)
    except ValueError as error:
        raise ValueError(f"weights: {error}") from error
    try:
        _fill(network, checkpoint.state)
    except (ValueError, RuntimeError) as error:  # RuntimeError : of a module's own loading
        raise ValueError(f"weights: {weights} does not fit the network: {error}") from error
    stripped = ", ".join(map(repr, checkpoint.stripped))
    return f"{weights} was loaded without its {stripped}" if stripped else ""


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return {key: value for key, value in network.state_dict().items() if torch.is_tensor(value)}


def _are_equal(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(value, b[key]) for key, value in a.items())


def _fill(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load `state`; a ValueError names the first keys that do not fit."""
    expected = _tensors(network)
    for key, value in state.items():
        if key in expected and value.shape != expected[key].shape:
            shapes = f"{list(expected[key].shape)}, not {list(value.shape)}"
            raise ValueError(f"{key[:100]} must be {shapes}")
        if value.is_complex() and not (key in expected and expected[key].is_complex()):
            raise ValueError(f"{key[:100]} must be real numbers, not {value.dtype}")
    keys = network.load_state_dict(state, strict=False)
    sides = {"it lacks": keys.missing_keys, "it has unexpected": keys.unexpected_keys}
    misfits = [
        f"{how} {names[0][:60]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        for how, names in sides.items()
        if names
    ]
    if misfits:
        raise ValueError("; ".join(misfits))


def copy_around(network: nn.Module, layers: Iterable[str]) -> nn.Module:
    """Return a copy of the modules that hold `layers`; the others, and all tensors, are shared."""
    holders = {module: [] for module in network.modules()}
    for module in holders:
        for child in module.children():
            holders[child].append(module)
    copied, found = set(), [*map(network.get_submodule, layers)]
    while found:
        module = found.pop()
        if module not in copied:
            copied.add(module)
            found += holders[module]
    shared = [*(holders.keys() - copied), *network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(part): part for part in shared})
