"""The kinds of data that need no files: digits, which come with scikit-learn, and drawn rooms."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mbm_hw.studies.data.dataset import (
    Dataset,
    Kind,
    check_at_most,
    check_size,
    classified,
    to_tensor,
)
from mbm_hw.studies.rooms import room

ROOMS_CALIBRATION_OFFSET = 500_000
"""The rooms to calibrate with have the seed of the scored ones plus this."""

MAX_ROOM_PIXELS = 1 << 22
"""The pixels of a room, as many as 2048x2048; drawing one takes some 400 bytes a pixel."""


@dataclass(frozen=True, kw_only=True)
class Digits(Kind):
    """scikit-learn's handwritten digits: grey, 1x8x8, classes 0 to 9.

    images : of the test part of `split_digits`, at most 797. seed : of the order they are taken in.
    calibration_images : the first of the training part, at most 1000.
    """

    seed: int
    images: int
    calibration_images: int = 100

    def load(self) -> Dataset:
        (train, _), (test, classes) = split_digits()
        check_at_most(len(test), self.images, "images")
        check_at_most(len(train), self.calibration_images, "calibration_images")
        order = np.random.default_rng(self.seed).permutation(len(test))[: self.images]
        return classified(test[order], classes[order], train[: self.calibration_images])


def split_digits() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the training and the test part of the digits: 1000 and 797, classes in proportion.

    A part is (images float32 [N, 1, 8, 8] in [0, 1], classes int64 [N]). There is one split for
    everybody: no study scores an image that a network was trained on.
    """
    from sklearn.datasets import load_digits  # a second of every study's start, if at the top
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = torch.from_numpy((digits.images / 16).astype(np.float32))[:, None]
    classes = torch.from_numpy(digits.target.astype(np.int64))
    indices = np.arange(len(images))
    parts = train_test_split(indices, test_size=797, random_state=0, stratify=digits.target)
    train, test = ((images[part], classes[part]) for part in parts)
    return train, test


@dataclass(frozen=True, kw_only=True)
class GeneratedRooms(Kind):
    """Rooms of `mbm_hw.studies.rooms`: RGB, 3xHxW, with exact depth.

    Image i depends on `seed`, i and `size`, [H, W], only. The rooms to calibrate with are the first
    ones of the seed `seed + ROOMS_CALIBRATION_OFFSET`.
    """

    seed: int
    images: int
    calibration_images: int = 16
    size: Sequence[int] = (120, 160)

    def __post_init__(self):
        super().__post_init__()
        check_size(self.size, MAX_ROOM_PIXELS)

    def load(self) -> Dataset:
        return Dataset(
            self.images,
            functools.partial(self._read, self.seed),
            self._read_calibration,
            fingerprint=lambda: repr(self),  # and the code of `rooms`, which counts by itself
        )

    def _read(self, seed, index):
        rgb, depth = room(seed, index, *self.size)
        return to_tensor(rgb), depth

    def _read_calibration(self):
        seed = self.seed + ROOMS_CALIBRATION_OFFSET
        return torch.stack([self._read(seed, i)[0] for i in range(self.calibration_images)])
