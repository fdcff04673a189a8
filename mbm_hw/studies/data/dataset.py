"""What a loaded data set is, and what the kinds of data share."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mbm_hw.studies.fields import check_fields, found
from mbm_hw.studies.hashing import array_bytes, sha256

MAX_IMAGES = 10**7
"""The images that a study may score, or calibrate with."""
MAX_NUMBER = 2**63 - 1
"""The largest seed, and the largest number of a frame."""
MAX_PIXELS = 1 << 24
"""The pixels of one image that a network gets, 16 Mi: as many as an image of 4096x4096."""


class Dataset:
    """Samples to be scored, and images to calibrate with, none of which is among them.

    `len(dataset)` samples. `dataset[i]` is (image, target), read on access and the same each time:
    image float32 [C, H, W] in [0, 1], grey or RGB / 255; target a class (int) or the depth in
    metres, a float32 array [H, W] with 0 where it is unknown. What else a network wants of its
    input, such as a mean taken off, it does itself.
    """

    def __init__(
        self,
        images: int,
        read: Callable,
        read_calibration: Callable,
        fingerprint: Callable[[], str] | None = None,
    ):
        """read(i) gives sample i of `images`; read_calibration() what `calibration` is.

        fingerprint() gives a text of what all of them depend on: another text if any of them is
        another one. None to hash every sample, which takes as long as to read them.
        """
        self._images, self._read, self._read_calibration = images, read, read_calibration
        self._fingerprint = fingerprint

    def __len__(self) -> int:
        return self._images

    def __getitem__(self, index: int):
        if not 0 <= index < len(self):
            raise IndexError(f"the data has samples 0 to {len(self) - 1}, not {index}")
        return self._read(index)

    @functools.cached_property
    def calibration(self) -> Tensor:
        """float32 [M, C, H, W] in [0, 1]."""
        return self._read_calibration()

    @functools.cached_property
    def fingerprint(self) -> str:
        """The hash, in hexadecimal, of all samples, targets and calibration images.

        A study's finished rows hold as long as it stays the same.
        """
        if self._fingerprint is not None:
            return sha256(self._fingerprint().encode())
        parts = (array_bytes(part) for index in range(len(self)) for part in self[index])
        return sha256(*parts, array_bytes(self.calibration))


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What all kinds of data have in common: integers that are checked, and `load`."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            least, most = (1, MAX_IMAGES) if field.name.endswith("images") else (0, MAX_NUMBER)
            if field.type is int and (type(value) is not int or not least <= value <= most):
                is_too_large = type(value) is int and value > most
                expected = f"at most {most}" if is_too_large else f"an integer of at least {least}"
                raise ValueError(f"{field.name} must be {expected}, not {found(value)}")
        check_fields(self, "data.")

    def load(self) -> Dataset:
        """See :func:`mbm_hw.studies.data.load_data`."""
        raise NotImplementedError


def classified(images: Tensor, classes, calibration: Tensor) -> Dataset:
    """Return the Dataset of images [N, C, H, W] and integer classes [N] that are in memory."""
    return Dataset(
        len(images), lambda index: (images[index], int(classes[index])), lambda: calibration
    )


def to_tensor(rgb: np.ndarray) -> Tensor:
    """Return uint8 [..., H, W, 3] as float32 [..., 3, H, W] in [0, 1]."""
    planes = np.ascontiguousarray(np.moveaxis(rgb, -1, -3))
    return torch.from_numpy(planes.astype(np.float32) / np.float32(255))


def check_at_most(available: int, asked: int, name: str) -> None:
    """Raise a ValueError that names the field if more images are asked for than there are."""
    if asked > available:
        raise ValueError(f"{name} must be at most {available}, not {asked}")


def check_size(size: Sequence[int], most: int = MAX_PIXELS) -> None:
    """Raise a ValueError if `size` is not [height, width], or has more than `most` pixels."""
    if not isinstance(size, Sequence) or [type(n) for n in size] != [int, int] or min(size) < 1:
        raise ValueError(f"size must be [height, width] in pixels, not {found(size)}")
    if size[0] * size[1] > most:
        expected = f"at most {most} pixels"
        raise ValueError(f"size must be [height, width] of {expected}, not {found(size)}")
