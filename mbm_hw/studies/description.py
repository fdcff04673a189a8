"""What a study is: a frozen description, read from YAML at the rim."""

import dataclasses
import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mbm_hw.catalog import find_spec
from mbm_hw.float_spec import FloatExact, FloatSpec
from mbm_hw.ops.algorithms import DIRECT, find_algorithm
from mbm_hw.spec import Exact, Spec
from mbm_hw.table_files import read_table

FLOAT = "float"
"""The spec name of the rows without any approximate layer: exact float32 arithmetic."""


@dataclass(frozen=True)
class Layers:
    """Which of a network's layers are approximated, together or one at a time.

    each : glob of layer names; every layer that matches is approximated alone.
    all : also all the layers of `each` together.
    groups : name -> glob; the layers of each group together.
    """

    each: str = "*"
    all: bool = True
    groups: Mapping[str, str] = field(default_factory=dict)

    def sets(self, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the layer sets by name, for a network whose convertible layers are `names`.

        A glob that matches no layer is a ValueError that lists them.
        """
        names = tuple(names)

        def matching(pattern: str) -> tuple[str, ...]:
            found = tuple(name for name in names if fnmatch.fnmatchcase(name, pattern))
            if not found:
                raise ValueError(f"no layer matches {pattern!r}; known: {', '.join(names)}")
            return found

        each = matching(self.each)
        sets = {name: (name,) for name in each}
        sets |= {name: matching(pattern) for name, pattern in self.groups.items()}
        return sets | {"all": each} if self.all else sets


@dataclass(frozen=True)
class RandomWeights:
    """The weights that a network's factory draws. random : the seed of torch's generator."""

    random: int

    def __post_init__(self):
        if type(self.random) is not int or self.random < 0:
            raise ValueError(f"weights: random must be a seed of at least 0, not {self.random!r}")

    def __str__(self) -> str:
        return f"random, seed {self.random}"


@dataclass(frozen=True)
class Study:
    """One study: a network, its data, the multipliers, the layers.

    name : folder of the results, by default the study file's name.
    network : `file.py:factory`, or a bare name looked up in the models folder.
    weights : a checkpoint, or `file.py:function`, which fills the weights of a given network; or
        `RandomWeights`, in YAML `{random: seed}`, which every output names as such.
    data : keyword arguments of one of `mbm_hw.studies.data.KINDS`, and its `kind`.
    specs : the multipliers; integer ones are signed. In YAML a catalog name or identifier, or a
        mapping `table: path`, `signed:` or `sign_magnitude:`.
    layers : see `Layers`.
    metrics : one of `mbm_hw.studies.evaluation.EVALUATIONS`.
    quantizer : one of `mbm_hw.quantize.QUANTIZERS`, by name; for the integer specs.
    batch : images in one forward pass; every image is scored, those of a last smaller batch too.
    algorithms : names of `mbm_hw.ops.algorithms`, for every spec that they take, in the layers that
        they can do; the others of a layer set are direct.

    Every spec is compared with its baseline: the exact multiplier of the same format in the same
    layers, with the same algorithm, quantiser, calibration and batches.
    """

    name: str
    network: str
    weights: str | RandomWeights
    data: Mapping[str, Any]
    specs: tuple[Spec, ...]
    metrics: str
    layers: Layers = Layers()
    quantizer: str = "symmetric"
    batch: int = 1
    algorithms: tuple[str, ...] = (DIRECT,)

    def __post_init__(self):
        if not self.specs:
            raise ValueError("specs must name at least one multiplier")
        for spec in self.specs:
            if not spec.signed:
                twin = spec.twin(signed=True).identifier
                raise ValueError(
                    f"specs: networks need signed operands: {twin}, not {spec.identifier}"
                )
        for algorithm in self.algorithms:
            if not any(takes(algorithm, spec) for spec in self.specs):
                raise ValueError(f"algorithms: {algorithm} takes none of the specs")
        if not (isinstance(self.batch, int) and self.batch >= 1):
            raise ValueError(f"batch must be an integer of at least 1, not {self.batch!r}")

    @staticmethod
    def baseline(spec: Spec) -> Exact | FloatExact:
        """Return what `spec` is compared with: the exact multiplier of the same format."""
        if isinstance(spec, FloatSpec):
            return FloatExact(spec.exponent_bits, spec.mantissa_bits)
        return Exact(spec.width, signed=True)

    @property
    def weights_name(self) -> str:
        """How outputs name the weights: random ones as such, others by their file."""
        return str(self.weights) if self.has_random_weights else Path(self.weights).name

    @property
    def has_random_weights(self) -> bool:
        return isinstance(self.weights, RandomWeights)

    @property
    def multipliers(self) -> tuple[tuple[Spec, str], ...]:
        """All that is compared: the specs of `all_specs`, each with the algorithms that take it."""
        return tuple(
            (spec, algorithm)
            for spec in self.all_specs
            for algorithm in self.algorithms
            if takes(algorithm, spec)
        )

    @property
    def all_specs(self) -> tuple[Spec, ...]:
        """The baselines, then the specs, each once."""
        return tuple(dict.fromkeys([*map(self.baseline, self.specs), *self.specs]))


def takes(algorithm: str, spec: Spec) -> bool:
    """Return whether a multiplier can be that of an algorithm; an unknown one is a ValueError."""
    return algorithm == DIRECT or find_algorithm(algorithm).takes_spec(spec)


def multiplier_name(spec: str, algorithm: str) -> str:
    """Return how tables and pictures call a spec in an algorithm: `mbm8s`, `mbm8s winograd`."""
    return spec if algorithm == DIRECT else f"{spec} {algorithm}"


def read_study(path: str | Path, data: str | Path | None = None) -> Study:
    """Return the study that the YAML file `path` describes.

    data : the folder that `{data}` stands for in the file's strings. An unknown or missing key, or
    a file that needs `data` when there is none, is a ValueError that names the file and the key.
    """
    path = Path(path)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError("a study is a mapping of keys to values")
        document = _with_folder(document, data)
        document = {"name": path.stem, **document}
        if document.pop("baseline", "exact") != "exact":
            raise ValueError("baseline must be exact: the exact multiplier of the same format")
        if "specs" in document:
            document["specs"] = tuple(_spec(entry) for entry in _sequence(document["specs"]))
        if "algorithms" in document:
            document["algorithms"] = tuple(_sequence(document["algorithms"]))
        if "layers" in document:
            document["layers"] = construct(Layers, document["layers"], "layers")
        if isinstance(document.get("weights"), dict):
            document["weights"] = construct(RandomWeights, document["weights"], "weights")
        return construct(Study, document, "a study")
    except (ValueError, yaml.YAMLError) as error:
        message = " ".join(str(error).split())
        raise ValueError(f"{path}: {message}") from error


def construct(kind: type, arguments: Any, where: str):
    """Return the dataclass `kind(**arguments)`; wrong keys are a ValueError that lists the keys."""
    if not isinstance(arguments, Mapping):
        raise ValueError(f"{where} must be a mapping of keys to values, not {arguments!r}")
    fields = dataclasses.fields(kind)
    known = [f.name for f in fields]
    missing = dataclasses.MISSING
    required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
    for key in arguments:
        if key not in known:
            raise ValueError(f"{where} has no key {key!r}; known: {', '.join(known)}")
    for key in required:
        if key not in arguments:
            raise ValueError(f"{where} needs the key {key!r}; known: {', '.join(known)}")
    return kind(**arguments)


def _sequence(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _spec(entry: Any) -> Spec:
    if isinstance(entry, Mapping) and "table" in entry:
        options = dict(entry)
        return read_table(options.pop("table"), **options)
    return find_spec(str(entry))


def _with_folder(value: Any, folder: str | Path | None) -> Any:
    if isinstance(value, dict):
        return {key: _with_folder(item, folder) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_folder(item, folder) for item in value]
    if isinstance(value, str) and "{data}" in value:
        if folder is None:
            raise ValueError(f"{value} needs the data folder: give --data FOLDER")
        return value.replace("{data}", str(folder))
    return value
