"""What a study is: a frozen description, read from YAML at the rim."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from mbm_hw.multipliers import Spec, find_spec, spec_name
from mbm_hw.multipliers.table_files import read_table
from mbm_hw.ops.algorithms import DIRECT, find_algorithm
from mbm_hw.studies.fields import Label, Rule, Text, at_least, check, check_fields, construct
from mbm_hw.studies.layer_sets import Layers
from mbm_hw.studies.plain_yaml import read_yaml

FLOAT = "float"
"""The spec name of the rows without any approximate layer: exact float32 arithmetic."""


FolderName = Annotated[
    str,
    Rule(
        "one plain folder name of 1 to 100 printable characters",
        lambda text: (
            0 < len(text) <= 100
            and text.isprintable()
            and not set("/\\") & set(text)
            and text not in (".", "..")
        ),
    ),
]


@dataclass(frozen=True)
class RandomWeights:
    """The weights that a network's factory draws. random : the seed of torch's generator."""

    random: Annotated[int, at_least(0)]

    def __post_init__(self):
        check_fields(self, "weights.")

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
    specs : the multipliers; integer ones are signed. In YAML each is a catalog name or identifier,
        or the fields of an `Entry`.
    layers : see `Layers`.
    metrics : one of `mbm_hw.studies.evaluation.EVALUATIONS`.
    quantizer : one of `mbm_hw.nn.quantize.QUANTIZERS`, by name; for the integer specs.
    batch : images in one forward pass; every image is scored, those of a last smaller batch too.
    algorithms : names of `mbm_hw.ops.algorithms`, for every spec that they take, in the layers that
        they can do; the others of a layer set are direct.
    names : how outputs name some of the specs, in place of `mbm_hw.spec_name`; each name for one
        multiplier, and none that is another multiplier's.

    Every spec is compared with its baseline: the exact multiplier of the same format in the same
    layers, with the same algorithm, quantiser, calibration and batches.
    """

    name: FolderName
    network: Text
    weights: Text | RandomWeights
    data: Mapping[str, Any]
    specs: tuple[Spec, ...]
    metrics: Text
    layers: Layers = field(default_factory=Layers)
    quantizer: Text = "symmetric"
    batch: Annotated[int, at_least(1)] = 1
    algorithms: tuple[str, ...] = (DIRECT,)
    names: Mapping[Spec, Label] = field(default_factory=dict)

    def __post_init__(self):
        check_fields(self)
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
        if not self.algorithms:
            raise ValueError(f"algorithms must name at least one, such as {DIRECT}")
        self._check_names()

    def _check_names(self):
        for spec, name in self.names.items():
            if spec not in self.all_specs:
                raise ValueError(f"names: {name!r} names {spec_name(spec)}, which is not studied")
            if name == FLOAT or _other(name, spec):
                raise ValueError(
                    f"specs: {spec_name(spec)} must not have the name {name!r}, which is another "
                    "multiplier's"
                )
        called = Counter(multiplier_name(self.name_of(s), a) for s, a in self.multipliers)
        name, count = called.most_common(1)[0]
        if count > 1:
            raise ValueError(f"specs: {count} multipliers have the name {name!r}")

    def name_of(self, spec: Spec) -> str:
        """Return how outputs name `spec`: its name of `names`, or `mbm_hw.spec_name`."""
        return self.names.get(spec, spec_name(spec))

    @staticmethod
    def baseline(spec: Spec) -> Spec:
        """Return what `spec` is compared with: the exact multiplier of the same format."""
        return spec.exact()

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


def _other(name: str, spec: Spec) -> bool:
    """Return whether `name` is that of another multiplier than `spec`."""
    try:
        return find_spec(name) != spec
    except ValueError:
        return False


@dataclass(frozen=True)
class Entry:
    """One of the multipliers that a study file lists.

    spec : a catalog name or identifier; or, in its stead, table : the file of a product table.
    name : how outputs name it; by default its own name.
    signed, sign_magnitude : of a table, see `mbm_hw.Table`.
    """

    spec: Text | None = None
    table: Text | None = None
    name: Label | None = None
    signed: bool = False
    sign_magnitude: bool = False

    def __post_init__(self):
        check_fields(self, "specs: an entry's ")
        if (self.spec is None) == (self.table is None):
            raise ValueError("specs: an entry has the key 'spec' or the key 'table', and not both")
        if self.table is None and (self.signed or self.sign_magnitude):
            raise ValueError("specs: signed and sign_magnitude go with a table, not with a spec")

    def load(self) -> Spec:
        if self.table is None:
            return find_spec(self.spec)
        return read_table(self.table, self.signed, self.sign_magnitude)


def read_study(path: str | Path, data: str | Path | None = None) -> Study:
    """Return the study that the YAML file `path` describes.

    data : the folder that `{data}` stands for in the file's strings. A key that is unknown, missing
    or there twice, a value of another type than the key's, or a file that needs `data` when there
    is none, is a ValueError that names the file and the key. See also `read_yaml`.
    """
    path = Path(path)
    try:
        document = read_yaml(path)
        if not isinstance(document, dict):
            raise ValueError("a study is a mapping of keys to values")
        document = {"name": path.stem, **_with_folder(document, data)}
        if document.pop("baseline", "exact") != "exact":
            raise ValueError("baseline must be exact: the exact multiplier of the same format")
        if "names" in document:
            raise ValueError("names stand in specs: {spec: mbm8s, name: ours}")
        if "specs" in document:
            document["specs"], document["names"] = _multipliers(_sequence(document["specs"]))
        if "algorithms" in document:
            document["algorithms"] = tuple(_sequence(document["algorithms"]))
        if "layers" in document:
            document["layers"] = construct(Layers, document["layers"], "layers")
        if isinstance(document.get("weights"), dict):
            document["weights"] = construct(RandomWeights, document["weights"], "weights")
        return construct(Study, document, "a study")
    except ValueError as error:
        message = " ".join(str(error).split())
        raise ValueError(f"{path}: {message}") from error


def _sequence(value: Any) -> list:
    return value if isinstance(value, list) else [value]


def _multipliers(entries: list) -> tuple[tuple[Spec, ...], dict[Spec, str]]:
    """Return the specs that a study file lists, and the names that it gives them."""
    specs, names = [], {}
    for index, fields in enumerate(entries):
        check(fields, str | Mapping[str, Any], f"specs[{index}]")
        fields = {"spec": fields} if isinstance(fields, str) else fields
        entry = construct(Entry, fields, f"specs[{index}]")
        try:
            spec = entry.load()
        except ValueError as error:
            raise ValueError(f"specs[{index}]: {error}") from error
        specs.append(spec)
        if entry.name is not None and names.setdefault(spec, entry.name) != entry.name:
            raise ValueError(f"specs: {names[spec]!r} and {entry.name!r} name one multiplier")
    return tuple(specs), names


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
