"""Weights from files. A study names them as a checkpoint, read here, or as a function of a model
file that takes (network, data folder or None) and fills the network's weights in place."""

import re
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from mbm_hw.system.contents import PICKLE, ZIP_ARCHIVE, contents

WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net")
"""Keys under which training programs save a state_dict beside other things."""
TORCH_PREFIXES = ("module.", "_orig_mod.")
"""Prefixes that nn.DataParallel and torch.compile put before every key."""
PREFIXES = (*TORCH_PREFIXES, "model.", "network.", "net.")
"""Prefixes that a key may lose where the network's own keys show that it has none."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's tensors by name. stripped : the wrappers and prefixes that were taken off."""

    state: dict[str, torch.Tensor]
    stripped: tuple[str, ...] = ()


def read_checkpoint(path: Path | str) -> dict[str, torch.Tensor]:
    """Return the state of `open_checkpoint(path)`."""
    return open_checkpoint(path).state


def open_checkpoint(path: Path | str, keys: Iterable[str] | None = None) -> Checkpoint:
    """Return the state_dict in a file of `torch.save` or of safetensors, on the CPU.

    Wrapping dicts (WRAPPERS) are taken off, and prefixes that every key has. keys : those of the
    network; then as many of PREFIXES go as make the most keys fit. None: TORCH_PREFIXES go.

    Only tensors and plain containers are read (`weights_only`), so no code of the file runs. A file
    that is missing, is something else, or holds anything but tensors by name is a ValueError, which
    says what it is.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} must be a checkpoint, not a folder")
    if not path.is_file():
        raise ValueError(f"there is no {path}")
    _check_unpacked_size(path)
    try:
        state = _load(path)
    except Exception as error:  # of any kind: the readers meet damaged bytes
        raise ValueError(f"{path} must be a checkpoint, not {_kind_of(path, error)}") from error
    stripped = []
    while isinstance(state, dict) and (key := _wrapper(state)):
        state = state[key]
        stripped.append(key)
    if not isinstance(state, dict) or not state or _others(state):
        raise ValueError(f"{path} must hold tensors by name, not {_kind(state)}")
    state, prefixes = _without_prefixes(dict(state), None if keys is None else set(keys))
    return Checkpoint(state, (*stripped, *prefixes))


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


def _load(path: Path):
    with open(path, "rb") as file:
        is_safe = file.read(9)[8:] == b"{"  # after the header's length
    if is_safe:
        return safetensors.torch.load_file(path)
    with warnings.catch_warnings(action="ignore"):  # of damaged files: the error says enough
        return torch.load(path, map_location="cpu", weights_only=True)


def _kind_of(path: Path, error: Exception) -> str:
    """Return in words what a file is that could not be loaded."""
    if match := re.search(r"GLOBAL (\S+) was not an allowed", str(error)):
        return f"a pickle of {match[1]}: save the state_dict of the network, which is tensors only"
    kind = contents(path)
    if isinstance(error, safetensors.SafetensorError):
        return f"a damaged safetensors file: {error}"
    if kind == PICKLE:
        return "a damaged or truncated one, or another pickle"
    return _kind_of_archive(path) if kind == ZIP_ARCHIVE else kind


def _kind_of_archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(name).name for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return "a truncated or damaged one"
    if "data.pkl" not in names:
        return "a zip archive that torch.save did not write"
    return "a TorchScript archive" if "constants.pkl" in names else "a damaged one"


def _wrapper(state: dict) -> str | None:
    return next((key for key in WRAPPERS if isinstance(state.get(key), dict)), None)


def _without_prefixes(state: dict, keys: set[str] | None) -> tuple[dict, list[str]]:
    """Return the state as it fits best, and the prefixes that it lost."""
    known = TORCH_PREFIXES if keys is None else PREFIXES
    prefixes, found = [], [(state, [])]
    while prefix := next((p for p in known if all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
        prefixes.append(prefix)
        found.append((state, list(prefixes)))
    return found[-1] if keys is None else max(found, key=lambda level: len(keys & level[0].keys()))


def _others(state: dict) -> list:
    """Return the keys that are no text, or under which there is no tensor."""
    return [
        key for key, value in state.items() if not (isinstance(key, str) and torch.is_tensor(value))
    ]


def _kind(state) -> str:
    if not isinstance(state, dict):
        return f"a {type(state).__name__}"
    if not state:
        return "an empty dict"
    return f"a dict whose {str(_others(state)[0])[:60]} is no tensor by name"
