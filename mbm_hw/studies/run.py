"""Running a study: from its description to rows, one for each multiplier, layer set and image."""

import functools
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mbm_hw.multipliers import Spec, spec_name
from mbm_hw.multipliers.table_files import write_array
from mbm_hw.nn import calibrate_, supports
from mbm_hw.nn.calibrate import unreached_text
from mbm_hw.nn.quantize import QUANTIZERS
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.studies.batch import Batch
from mbm_hw.studies.cases import Case, Unit
from mbm_hw.studies.data import load_data
from mbm_hw.studies.description import Study
from mbm_hw.studies.devices import device_of, move_
from mbm_hw.studies.evaluation import EVALUATIONS, Depth
from mbm_hw.studies.forward_errors import naming_layers
from mbm_hw.studies.hashing import sha256
from mbm_hw.studies.identity import spec_identity, study_identity
from mbm_hw.studies.memory_estimate import estimate_memory
from mbm_hw.studies.network_layers import NetworkLayers
from mbm_hw.studies.networks import factory_name, load_network, load_weights
from mbm_hw.studies.slowness import slow_multipliers
from mbm_hw.studies.store import Store
from mbm_hw.system.files import replacing

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
    layers : what the network multiplies, and where it can be approximate.
    weights_note : what `load_weights` tells of the weights.
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
        self.evaluation, self.weights_note = EVALUATIONS[study.metrics], ""
        self.quantizer = QUANTIZERS[study.quantizer]
        seed = study.weights.random if study.has_random_weights else None
        self._factory = factory_name(study.network, models)
        self.network = load_network(self._factory, seed=seed)
        self.dataset = load_data(study.data)
        targets = (self.dataset[image][1] for image in range(len(self.dataset)))
        if not any(map(self.evaluation.has_target, targets)):
            raise ValueError(f"data: no image has valid depth, which metrics {study.metrics} need")
        if not study.has_random_weights:
            folder = None if data is None else Path(data)
            self.weights_note = load_weights(self.network, study.weights, folder)
        self.memory = estimate_memory(study, self.network, self.dataset)
        self.memory.check()
        with naming_layers(f"network {study.network} on image 0", self.network):
            self.layers = NetworkLayers(
                self.network, self.dataset[0][0], study.algorithms, study.layers.subclasses
            )
        self.multiplications = self.layers.multiplications
        self.layer_sets = sets = study.layers.sets(self.multiplications, self.layers.left)
        with naming_layers("the approximate network on image 0", self.network):
            unreached = self.layers.unreached(self.approximated, study.all_specs[0])
        if unreached:
            raise ValueError(f"layers: {unreached_text(unreached)}")
        self.cases = [Case(None, "none", ())] + [
            Case(spec, name, layers, algorithm, study.name_of(spec))
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

    @property
    def approximated(self) -> list[str]:
        """The layers that are approximate in any of the layer sets."""
        layers = {name for names in self.layer_sets.values() for name in names}
        return [name for name in self.multiplications if name in layers]

    def slow_multipliers(self) -> Iterator[str]:
        """Yield a line for each multiplier that is slow in the kernels; see `slowness`."""
        products = sum(map(self._share, self.layer_sets)) * len(self.dataset)
        names = {spec: self.study.name_of(spec) for spec in self.study.all_specs}
        return slow_multipliers(names, products)

    @property
    def coverage(self) -> str:
        """A sentence: the share of the multiplications that the largest layer set approximates."""
        name = max(self.layer_sets, key=lambda name: self._share(name))
        return f"Layer set {name}: {self.layers.sentence(self.layer_sets[name])}"

    def _share(self, layer_set: str) -> int:
        return sum(map(self.multiplications.get, self.layer_sets[layer_set]))

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
        """Return the rows of finished units, in their order, under the names of this study."""
        return [
            store.get(key) | {"spec": unit.case.spec_name}
            for unit in units
            for key in self.keys(unit)
        ]

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

        A row has study, weights, spec, algorithm, layer_set, image, network_multiplications (for
        the image, approximate and exact), and what `Batch.score` gives.
        """
        case, images = unit.case, unit.images
        move_(self.network, self.device)
        if self._batch is None or self._batch[0] != images:
            self._batch = None  # frees the memory of the last one
            samples = [self.dataset[image] for image in images]
            counts = {name: self.multiplications[name] for name in self.approximated}
            self._batch = images, Batch(self.evaluation, samples, self.network, counts)
        batch, counts = self._batch[1], self.layers.counts(case.algorithm)
        try:
            scored = (
                batch.exact
                if case.spec is None
                else batch.score(self.converted(case), case.layers, counts)
            )
        except ValueError as error:
            raise ValueError(f"{unit}: {error}") from error
        if case in self.pictured_cases:
            self._keep(unit, scored.outputs)
        common = {"study": self.study.name, "weights": self.study.weights_name}
        common |= {"spec": case.spec_name, "algorithm": case.algorithm}
        total = self.layers.total_with(case.layers, case.algorithm)
        common |= {"layer_set": case.layer_set, "network_multiplications": total}
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
                    write_array(file, [y[position : position + 1].float().numpy() for y in outputs])

    def _outputs_file(self, case: Case, image: int) -> Path:
        return self.folder / "outputs" / f"{self._key(case, image)}.npy"

    def converted(self, case: Case) -> nn.Module:
        """Return the network with the case's layers approximated and calibrated.

        A copy of the modules that hold them; the other modules and the weights are the network's.
        """
        if case.spec is None:
            return self.network
        ranges = self._calibrated_ranges(self.study.baseline(case.spec))
        network = self.layers.converted(case.layers, case.spec, self.quantizer, case.algorithm)
        for name in case.layers:
            network.get_submodule(name).activation_amax = ranges[name]
        return network

    def _calibrated_ranges(self, baseline: Spec) -> dict[str, Tensor | None]:
        """Return the largest activation of every layer, observed in the float network; see `nn`."""
        if baseline not in self._ranges:
            layers = self.approximated
            network = self.layers.converted(layers, baseline, self.quantizer)
            images = self.dataset.calibration.to(device_of(network))
            with naming_layers("the network on the calibration images", network):
                calibrate_(network, images.split(self.study.batch))
            found = {name: network.get_submodule(name).activation_amax for name in layers}
            self._ranges[baseline] = found
        return self._ranges[baseline]

    def _key(self, case: Case, image: int) -> str:
        what = self.identity, self._specs[case.spec]
        unit = [*what, case.algorithm, case.layer_set, case.layers, image]
        return sha256(json.dumps(unit).encode())

    @property
    def versions(self) -> dict[str, str]:
        """The versions that computed the rows: of this package (`code_version`) and of torch."""
        return {part: self.identity[part] for part in ("mbm_hw", "torch")}

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        """See `study_identity`."""
        functions = [self._factory]
        if not self.study.has_random_weights and ".py:" in self.study.weights:
            functions.append(self.study.weights)
        what = self.study, self.network, self.dataset, self._data
        return study_identity(*what, functions, self.device)

    @functools.cached_property
    def _specs(self) -> dict[Spec | None, str]:
        return {spec: spec_identity(spec) for spec in (None, *self.study.all_specs)}

    @property
    def description(self) -> dict:
        """What is run: the identity, the multipliers and the layer sets; plain values."""
        specs = [spec_name(spec) for spec in self.study.all_specs]
        own = {spec: text for spec, text in self._specs.items() if spec and spec.source}
        code = {f"multiplier {spec}": sha256(text.encode()) for spec, text in own.items()}
        layers = {name: list(layers) for name, layers in self.layer_sets.items()}
        algorithms = list(self.study.algorithms)
        return self.identity | code | {"specs": specs, "algorithms": algorithms, "layers": layers}
