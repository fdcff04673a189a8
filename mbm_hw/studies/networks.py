"""The networks under study: found by file and factory, filled with weights."""

import ast
from pathlib import Path

import torch
from torch import nn

from mbm_hw.studies.checkpoints import read_checkpoint
from mbm_hw.studies.user_code import load_function, running

CONVERTIBLE = (nn.Conv2d, nn.Linear)


def load_network(name: str, models: str | Path = "models", seed: int | None = None) -> nn.Module:
    """Return a new network, with the weights that its factory gives it, in evaluation mode.

    name : `file.py:factory`, or the bare name of a factory in the folder `models`. An unknown name
    is a ValueError that lists the known ones. seed : of random weights, None for whatever comes.
    """
    name = factory_name(name, models)
    factory = load_function(name)
    with torch.random.fork_rng(enabled=seed is not None), running(name):
        if seed is not None:
            torch.manual_seed(seed)
        return factory().eval()


def factory_name(name: str, models: str | Path = "models") -> str:
    """Return the `file.py:factory` of a network; see `load_network`."""
    if ":" in name:
        return name
    known = network_names(models)
    if name not in known:
        raise ValueError(f"no network is called {name!r} in {models}: {', '.join(known)}")
    return f"{known[name]}:{name}"


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


def load_weights(network: nn.Module, weights: str, data: Path | None = None) -> None:
    """Fill the network's weights in place.

    weights : a checkpoint (see `read_checkpoint`), or `file.py:function`, called with the network
    and `data`, the folder of real data sets, or None. Keys that do not fit are a ValueError.
    """
    try:
        if ".py:" in weights:
            function = load_function(weights)
            with running(weights):
                function(network, data)
        else:
            network.load_state_dict(read_checkpoint(weights))
    except RuntimeError as error:  # how load_state_dict says that keys or shapes differ
        raise ValueError(f"weights: {weights} does not fit the network: {error}") from error
