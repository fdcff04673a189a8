"""The memory that a study needs at the least, estimated before it is taken."""

import copy
from dataclasses import dataclass, fields
from pathlib import Path

import psutil
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mbm_hw.studies.data import KINDS, Dataset
from mbm_hw.studies.description import Study

ROW_BYTES = 1000
"""Bytes of memory that a row takes at the least."""
LIMIT_OF_CONTAINER = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a study needs at the least.

    weights : the network's parameters and buffers. tables : product tables of the specs.
    largest_operator : what the largest operator of a forward reads and writes, for a batch; None if
        the network does not run without values.
    samples : a batch, and the images for calibration. rows : the results.
    """

    weights: int
    tables: int
    largest_operator: int | None
    samples: int
    rows: int

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) or 0 for field in fields(self))

    def __str__(self) -> str:
        parts = {field.name.replace("_", " "): getattr(self, field.name) for field in fields(self)}
        texts = [f"{n} {'unknown' if b is None else _mebibytes(b)}" for n, b in parts.items()]
        return f"at least {_mebibytes(self.total)} MiB of memory ({', '.join(texts)})"

    def check(self, processes: int | None = None) -> None:
        """Raise a ValueError if the study clearly needs more memory than is free.

        processes : that load the study anew; None for this one, which has the weights and tables.
        """
        has = self.weights + self.tables if processes is None else 0
        needed, free = (self.total - has) * (processes or 1), free_bytes()
        if needed > free:
            times = "" if processes is None else f" in each of {processes} processes"
            raise ValueError(f"the study needs {self}{times}; {_mebibytes(free)} MiB are free")


def estimate_memory(study: Study, network: nn.Module, dataset: Dataset) -> MemoryEstimate:
    """Return the estimate for a study with its network and data; one sample is read."""
    image = dataset[0][0]
    batch = min(study.batch, len(dataset))
    calibration = study.data.get(
        "calibration_images", getattr(KINDS[study.data["kind"]], "calibration_images", 0)
    )
    return MemoryEstimate(
        weights=sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers())),
        tables=sum(spec.table_bytes for spec in study.all_specs),
        largest_operator=largest_operator(network, image.expand(batch, *image.shape)),
        samples=image.nbytes * (batch + calibration),
        rows=ROW_BYTES * len(dataset) * (1 + len(study.multipliers)),
    )


@torch.inference_mode()
def largest_operator(network: nn.Module, images: Tensor) -> int | None:
    """Return the bytes that the largest operator of a forward reads and writes, without weights.

    A copy of the network runs on the device `meta`, where tensors have no values and take no
    memory. None if it cannot.
    """
    tensors = (*network.parameters(), *network.buffers())
    try:
        shadow = copy.deepcopy(
            network, {id(t): torch.empty_like(t, device="meta") for t in tensors}
        )
        with torch.device("meta"), _LargestOperator() as mode:
            shadow(torch.empty(images.shape, dtype=images.dtype))
    except (Exception, SystemExit):  # the user's code may want to look at a value, or may leave
        return None
    return mode.largest


class _LargestOperator(TorchDispatchMode):
    """Finds the largest operator, by the bytes of what operators gave that it reads and writes."""

    def __init__(self):
        super().__init__()
        self.largest, self._made = 0, set()

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        result = operator(*arguments, **(keywords or {}))
        self._made |= {tensor.untyped_storage()._cdata for tensor in _tensors(result)}
        storages = {t.untyped_storage()._cdata: t for t in _tensors((arguments, keywords, result))}
        touched = sum(t.untyped_storage().nbytes() for s, t in storages.items() if s in self._made)
        self.largest = max(self.largest, touched)
        return result


def free_bytes() -> int:
    """Return the memory that is free, swap included; in a container at most what it may have."""
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    try:
        limit = LIMIT_OF_CONTAINER.read_text().strip()
    except OSError:
        return free
    return min(free, int(limit)) if limit.isdecimal() else free


def _tensors(tree) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.0f}" if count >= 10 << 20 else f"{count / 2**20:.1f}"
