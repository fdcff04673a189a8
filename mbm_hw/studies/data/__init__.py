"""The data sets of studies, by kind: samples to score, and other images to calibrate with."""

from collections.abc import Mapping
from typing import Any

from mbm_hw.studies.data.dataset import Dataset, Kind
from mbm_hw.studies.data.folders import Cifar10, ImageNetSample, RgbdFolder
from mbm_hw.studies.data.generated import Digits, GeneratedRooms, split_digits
from mbm_hw.studies.data.nyu import NyuDepth
from mbm_hw.studies.fields import construct

__all__ = [
    "KINDS",
    "Cifar10",
    "Dataset",
    "Digits",
    "GeneratedRooms",
    "ImageNetSample",
    "NyuDepth",
    "RgbdFolder",
    "load_data",
    "split_digits",
]

KINDS: dict[str, type[Kind]] = {
    "digits": Digits,
    "generated_rooms": GeneratedRooms,
    "cifar10": Cifar10,
    "imagenet_sample": ImageNetSample,
    "rgbd_folder": RgbdFolder,
    "nyu_depth": NyuDepth,
}


def load_data(description: Mapping[str, Any]) -> Dataset:
    """Return the data of a description: `kind`, one of KINDS, and the fields of that kind.

    ValueError for an unknown kind; a field that is unknown, missing or out of range; a missing
    folder or file; more images than there are.
    """
    known = ", ".join(KINDS)
    if not isinstance(description, Mapping) or "kind" not in description:
        raise ValueError(f"data needs the key 'kind', one of {known}; not {description!r}")
    fields = dict(description)
    kind = fields.pop("kind")
    if kind not in list(KINDS):
        raise ValueError(f"data has no kind {kind!r}; known: {known}")
    return construct(KINDS[kind], fields, f"data of kind {kind}").load()
