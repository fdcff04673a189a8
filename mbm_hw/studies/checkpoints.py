"""Weights from files. A study names them as a checkpoint, read here, or as a function of a model
file that takes (network, data folder or None) and fills the network's weights in place."""

import pickle
import zipfile
from pathlib import Path

import torch


def read_checkpoint(path: Path | str) -> dict[str, torch.Tensor]:
    """Return the state_dict of a file written by `torch.save`, on the CPU.

    A dict with the key `state_dict` is unwrapped, and `module.`, which nn.DataParallel puts before
    every key, is removed. Only tensors and plain containers are read (`weights_only`).
    ValueError if the file is missing, is no such file, or holds anything but tensors by name.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no {path}")
    _check_unpacked_size(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        expected = "tensors and plain containers as torch.save writes them"
        raise ValueError(f"{path} must hold {expected}") from error
    if isinstance(state, dict):
        state = state.get("state_dict", state)
    if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
        raise ValueError(f"{path} must hold tensors by name, not {_content(state)}")
    if all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return dict(state)


def _check_unpacked_size(path: Path) -> None:
    """Raise a ValueError if an archive unpacks to more than its size: torch.save packs nothing."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return  # torch.load says what is wrong
    if unpacked > path.stat().st_size:
        raise ValueError(
            f"{path} must hold tensors as torch.save writes them, without compression: "
            f"{path.stat().st_size} bytes may not unpack to {unpacked}"
        )


def _content(state):
    if not isinstance(state, dict):
        return f"a {type(state).__name__}"
    others = [key for key, value in state.items() if not torch.is_tensor(value)]
    return f"a dict whose {', '.join(map(str, others))} is no tensor"
