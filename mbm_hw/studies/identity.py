"""What a study's rows depend on: rows of one table agree in all of it."""

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from mbm_hw.quantize import QUANTIZERS
from mbm_hw.studies.data import Dataset
from mbm_hw.studies.description import Study


def study_identity(
    study: Study, network: nn.Module, dataset: Dataset, folder: str | Path | None
) -> dict[str, str]:
    """Return by name all that the rows of a study depend on, but for what tells them apart.

    network : with its weights. folder : of real data sets, or None; where it lies does not matter,
    what is in it does. Of the samples, the first, the middle and the last are looked at, and the
    images for calibration; of the code, the sources of this package and of the network's classes.
    """
    data = {key: _without(folder, value) for key, value in study.data.items()}
    return {
        "name": study.name,
        "data": str(data),
        "metrics": study.metrics,
        "quantizer": repr(QUANTIZERS[study.quantizer]),
        "batch": str(study.batch),
        "samples": _samples_hash(dataset),
        "network": _network_hash(network),
        "weights": _weights_hash(network),
        "mbm_hw": code_version(),
        "torch": torch.__version__,
    }


def code_version() -> str:
    """Return the hash of this package's sources: Python, C++ and CUDA."""
    package = Path(__file__).parent.parent
    sources = (p for s in ("*.py", "*.cpp", "*.h", "*.cu") for p in package.rglob(s))
    return sha256(*(path.read_bytes() for path in sorted(sources)))


def differences(found: Mapping, expected: Mapping) -> str:
    """Return in words how `found` differs from `expected`, or an empty text."""
    return "; ".join(
        f"{name} is {_short(found.get(name))}, not {_short(expected[name])}"
        for name in expected
        if found.get(name) != expected[name]
    )


def sha256(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _short(value) -> str:
    text = str(value)
    return text if len(text) <= 200 and not _is_hash(text) else f"{text[:12]}..."


def _is_hash(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _without(folder, value):
    is_within = isinstance(value, str) and f"{value}/".startswith(f"{folder}/")
    return f"{{data}}{value[len(str(folder)) :]}" if is_within else value


def _samples_hash(dataset: Dataset) -> str:
    samples = [dataset[i] for i in (0, len(dataset) // 2, len(dataset) - 1)]
    arrays = [torch.as_tensor(part) for sample in samples for part in sample]
    return sha256(*(array.numpy().tobytes() for array in (*arrays, dataset.calibration)))


def _network_hash(network: nn.Module) -> str:
    kinds = {type(module) for module in network.modules()}
    forwards = [inspect.unwrap(k.forward) for k in kinds if not k.__module__.startswith("torch.")]
    files = {Path(forward.__code__.co_filename) for forward in forwards}
    sources = sorted(file.read_bytes() for file in files)
    return sha256(repr(network).encode(), *sources)


def _bytes(tensor: torch.Tensor) -> bytes:
    """Return a tensor's values as bytes; NumPy has no bfloat16."""
    return tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _weights_hash(network: nn.Module) -> str:
    state = network.state_dict().items()
    return sha256(*(part for k, v in state for part in (k.encode(), _bytes(v))))
