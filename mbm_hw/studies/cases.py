"""What a study computes: a network under a multiplier, on some images."""

from dataclasses import dataclass

from mbm_hw.multipliers import Spec, spec_name
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.studies.description import FLOAT, multiplier_name


@dataclass(frozen=True)
class Case:
    """A network to be scored: `spec` in the layers of a set; None in no layer is exact float.

    algorithm : of the layers of the set that it can do, which are some; the others are direct.
    name : how outputs name the spec, see `Study.name_of`; None for its own name.
    """

    spec: Spec | None
    layer_set: str
    layers: tuple[str, ...]
    algorithm: str = DIRECT
    name: str | None = None

    @property
    def spec_name(self) -> str:
        return FLOAT if self.spec is None else self.name or spec_name(self.spec)


@dataclass(frozen=True)
class Unit:
    """What is computed and committed at once: a case on a batch of images, by their numbers."""

    case: Case
    images: range

    def __str__(self) -> str:
        first, last = self.images[0], self.images[-1]
        images = f"image {first}" if first == last else f"images {first} to {last}"
        where = "" if self.case.spec is None else f" in {self.case.layer_set}"
        name = multiplier_name(self.case.spec_name, self.case.algorithm)
        return f"{images} of {name}{where}"
