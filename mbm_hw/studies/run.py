"""Running a study: from its description to rows, one for each multiplier, layer set and image."""

import copy
import functools
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mbm_hw.catalog import spec_name
from mbm_hw.files import replacing
from mbm_hw.nn import calibrate_, convert_, supports
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.quantize import QUANTIZERS
from mbm_hw.spec import Spec
from mbm_hw.studies.batch import Batch
from mbm_hw.studies.cases import Case, Unit
from mbm_hw.studies.data import load_data
from mbm_hw.studies.description import Study
from mbm_hw.studies.devices import device_of, move_
from mbm_hw.studies.evaluation import EVALUATIONS, Depth
from mbm_hw.studies.identity import sha256, study_identity
from mbm_hw.studies.memory_estimate import estimate_memory
from mbm_hw.studies.networks import load_network, load_weights
from mbm_hw.studies.operations import count_multiplications
from mbm_hw.studies.store import Store

PICTURED_IMAGES = 3
"""How many of a depth study's images are shown."""


class StudyRun:
    """A study with its network, weights and data at hand.

    study : the description. folder : where the store is, created when missing. models : where bare
    network names are looked up. data : the folder of real data sets, for weights functions.
    device : cpu or cuda, where the networks run, from the first unit on.

    cases : the networks to be scored, in order: float, the baselines, the specs.
    memory : a MemoryEstimate of what the study needs; a ValueError if that is not free.
    units : each case on each batch, in the order of the rows. total : images over all units.
    """

    def __init__(
        self,
        study: Study,
        folder: str | Path,
        models: str | Path = "models",
        data: str | Path | None = None,
        device: str = "cpu",
    ):
        if study.metrics not in EVALUATIONS:
            known = ", ".join(EVALUATIONS)
            raise ValueError(f"metrics must be one of {known}, not {study.metrics!r}")
        if study.quantizer not in QUANTIZERS:
            known = ", ".join(QUANTIZERS)
            raise ValueError(f"quantizer must be one of {known}, not {study.quantizer!r}")
        self.arguments = study, folder, models, data, device
        self.study, self.folder, self._data, self.device = study, Path(folder), data, device
        self.evaluation = EVALUATIONS[study.metrics]
        self.quantizer = QUANTIZERS[study.quantizer]
        seed = study.weights.random if study.has_random_weights else None
        self.network = load_network(study.network, models, seed)
        self.dataset = load_data(study.data)
        if not study.has_random_weights:
            load_weights(self.network, study.weights, None if data is None else Path(data))
        self.memory = estimate_memory(study, self.network, self.dataset)
        self.memory.check()
        self._counts = {
            algorithm: count_multiplications(self.network, self.dataset[0][0], algorithm)
            for algorithm in {DIRECT, *study.algorithms}
        }
        self.multiplications = self._counts[DIRECT]
        self.layer_sets = sets = study.layers.sets(self.multiplications)
        self.cases = [Case(None, "none", ())] + [
            Case(spec, name, layers, algorithm)
            for spec, algorithm in study.multipliers
            for name, layers in sets.items()
            if any(supports(algorithm, self.network.get_submodule(layer)) for layer in layers)
        ]
        for algorithm in study.algorithms:
            if not any(case.layers and case.algorithm == algorithm for case in self.cases):
                raise ValueError(f"algorithms: {algorithm} can do none of the layers")
        starts = range(0, len(self.dataset), study.batch)
        batches = [range(i, min(i + study.batch, len(self.dataset))) for i in starts]
        self.units = [Unit(case, images) for case in self.cases for images in batches]
        self.total = len(self.cases) * len(self.dataset)
        self._ranges, self._batch = {}, None

    def rows(self) -> list[dict]:
        """Compute what the store of this study lacks; return a row for each case and image.

        The rows are those of `score`.
        """
        with self.open_store() as store:
            for _ in self.compute(store, self.units):
                pass
            return self.finished(store, self.units)

    def open_store(self) -> Store:
        """Open, or create, the store in the study's folder, and note in it what is run."""
        return Store.described(self.folder / "study.sqlite", self.description)

    def compute(self, store: Store, units: Iterable[Unit], score=None) -> Iterator[Unit]:
        """Compute those of `units` that the store lacks; yield each when it is committed.

        score : who computes them, in any order: (this, units) -> an iterator of (unit, rows), such
        as `score_in_turn` or what `studies.cluster` gives.
        """
        lacking = (unit for unit in units if not self.is_finished(store, unit))
        with closing((score or StudyRun.score_in_turn)(self, lacking)) as scored:
            for unit, rows in scored:
                store.add(zip(self.keys(unit), rows, strict=True))
                yield unit

    def is_finished(self, store: Store, unit: Unit) -> bool:
        return all(store.get(key) is not None for key in self.keys(unit))

    def finished(self, store: Store, units: Iterable[Unit]) -> list[dict]:
        """Return the rows of finished units, in their order."""
        return [store.get(key) for unit in units for key in self.keys(unit)]

    def keys(self, unit: Unit) -> list[str]:
        """Return the keys of a unit's rows in a store: hashes of all that the rows depend on."""
        return [self._key(unit.case, image) for image in unit.images]

    def score_in_turn(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, list[dict]]]:
        """Yield (unit, rows), in this process, one after the other."""
        return ((unit, self.score(unit)) for unit in self.in_turn(units))

    def in_turn(self, units: Iterable[Unit]) -> list[Unit]:
        """Return units images by images, the cases of each as their first layers run.

        So the ones that follow each other share most of what is computed; see `Batch`.
        """
        order = {layer: position for position, layer in enumerate(self.multiplications)}

        def turn(unit: Unit):
            return unit.images.start, min(map(order.get, unit.case.layers), default=-1)

        return sorted(units, key=turn)

    def score(self, unit: Unit) -> list[dict]:
        """Compute a unit's rows, one an image; units of the same images in turn share their prefix.

        A row has study, weights, spec, algorithm, layer_set, image, and what `Batch.score` gives.
        """
        case, images = unit.case, unit.images
        move_(self.network, self.device)
        if self._batch is None or self._batch[0] != images:
            self._batch = None  # frees the memory of the last one
            samples = [self.dataset[image] for image in images]
            layers = {layer for layers in self.layer_sets.values() for layer in layers}
            counts = {name: n for name, n in self.multiplications.items() if name in layers}
            self._batch = images, Batch(self.evaluation, samples, self.network, counts)
        batch = self._batch[1]
        scored = (
            batch.exact
            if case.spec is None
            else batch.score(self.converted(case), case.layers, self._counts[case.algorithm])
        )
        if case in self.pictured_cases:
            self._keep(unit, scored.outputs)
        common = {"study": self.study.name, "weights": self.study.weights_name}
        common |= {"spec": case.spec_name, "algorithm": case.algorithm}
        common |= {"layer_set": case.layer_set}
        return [
            common | {"image": image} | row for image, row in zip(images, scored.rows, strict=True)
        ]

    @functools.cached_property
    def pictured_cases(self) -> list[Case]:
        """For depth, exact float, and the last layer set in the first algorithm; otherwise none."""
        if not isinstance(self.evaluation, Depth):
            return []
        shown = ("none", DIRECT), ([*self.layer_sets][-1], self.study.algorithms[0])
        return [case for case in self.cases if (case.layer_set, case.algorithm) in shown]

    @property
    def pictured_images(self) -> range:
        return range(min(PICTURED_IMAGES, len(self.dataset)))

    def outputs(self, case: Case, image: int) -> list[Tensor]:
        """Return the network's outputs for an image, [1, ...], in each forward that a score takes.

        For what is pictured: these are kept in files when a unit is scored. Where a file is
        missing, its unit is scored once more.
        """
        path = self._outputs_file(case, image)
        if not path.is_file():
            self.score(next(u for u in self.units if u.case == case and image in u.images))
        return list(torch.from_numpy(np.load(path)))

    def _keep(self, unit: Unit, outputs: list[Tensor]) -> None:
        for position, image in enumerate(unit.images):
            if image in self.pictured_images:
                with replacing(self._outputs_file(unit.case, image), "wb") as file:
                    np.save(file, [output[position : position + 1].numpy() for output in outputs])

    def _outputs_file(self, case: Case, image: int) -> Path:
        return self.folder / "outputs" / f"{self._key(case, image)}.npy"

    def converted(self, case: Case) -> nn.Module:
        """Return the network with the case's layers approximated and calibrated.

        A copy of the modules that hold them; the other modules and the weights are the network's.
        """
        if case.spec is None:
            return self.network
        ranges = self._calibrated_ranges(self.study.baseline(case.spec))
        network = _copy_around(self.network, case.layers)
        chosen = self._chosen(case.layers)
        convert_(network, case.spec, chosen, self.quantizer, case.algorithm)
        for name in case.layers:
            network.get_submodule(name).activation_amax = ranges[name]
        return network

    def _calibrated_ranges(self, baseline: Spec) -> dict[str, Tensor | None]:
        """Return the largest activation of every layer, observed in the float network; see `nn`."""
        if baseline not in self._ranges:
            layers = {name for layers in self.layer_sets.values() for name in layers}
            network = _copy_around(self.network, layers)
            convert_(network, baseline, self._chosen(layers), self.quantizer)
            images = self.dataset.calibration.to(device_of(network))
            calibrate_(network, images.split(self.study.batch))
            found = {name: network.get_submodule(name).activation_amax for name in layers}
            self._ranges[baseline] = found
        return self._ranges[baseline]

    def _chosen(self, layers):
        return lambda module, name: name in layers

    def _key(self, case: Case, image: int) -> str:
        unit = [self.identity, case.spec_name, case.algorithm, case.layer_set, case.layers, image]
        return sha256(json.dumps(unit).encode())

    @property
    def versions(self) -> dict[str, str]:
        """What the rows were computed with: the hash of this package's sources, and torch."""
        return {part: self.identity[part] for part in ("mbm_hw", "torch")}

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        """See `study_identity`."""
        identity = study_identity(self.study, self.network, self.dataset, self._data)
        return identity | {"device": self.device}

    @property
    def description(self) -> dict:
        """What is run: the identity, the multipliers and the layer sets; plain values."""
        specs = [spec_name(spec) for spec in self.study.all_specs]
        layers = {name: list(layers) for name, layers in self.layer_sets.items()}
        algorithms = list(self.study.algorithms)
        return self.identity | {"specs": specs, "algorithms": algorithms, "layers": layers}


def _copy_around(network: nn.Module, layers: Iterable[str]) -> nn.Module:
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
