"""The kinds of data that lie in a folder of the user's. It is read in place; nothing is copied."""

import csv
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image

from mbm_hw.studies.data.arrays import Items
from mbm_hw.studies.data.dataset import (
    Dataset,
    Kind,
    check_at_most,
    check_size,
    classified,
    to_tensor,
)
from mbm_hw.studies.fields import Text
from mbm_hw.studies.hashing import hash_files
from mbm_hw.system.contents import TEXT, contents

MAX_FILE_PIXELS = 1 << 26
"""The pixels that an image file may have, 64 Mi: as many as an image of 8192x8192."""

INVALID_DEPTHS = (0, 65535)
"""Codes for "nothing seen" in depth images; 7-Scenes has both."""


@dataclass(frozen=True, kw_only=True)
class Cifar10(Kind):
    """CIFAR-10: RGB, 3x32x32, classes 0 to 9.

    folder : has one `*test*.npz` and one `*train*.npz`, each x uint8 [N, 32, 32, 3] and y int [N].
    images : the first of the test file. calibration_images : the first of the training file.
    """

    folder: Text
    images: int
    calibration_images: int = 100

    def load(self) -> Dataset:
        test, classes = self._read("test", self.images, "images")
        train, _ = self._read("train", self.calibration_images, "calibration_images")
        return classified(test, classes, train)

    def _read(self, part, images, name):
        paths = sorted(_existing(self.folder).glob(f"*{part}*.npz"))
        if len(paths) != 1:
            found = ", ".join(path.name for path in paths) or "none"
            raise ValueError(f"{self.folder} must have one file *{part}*.npz, not {found}")
        x = Items(paths[0], "x.npy", np.uint8, (32, 32, 3))
        y = Items(paths[0], "y.npy", np.integer, ())
        check_at_most(min(len(x), len(y)), images, name)
        return to_tensor(x.read(0, images)), y.read(0, images)


@dataclass(frozen=True, kw_only=True)
class ImageNetSample(Kind):
    """A folder of ImageNet images: RGB, 3x224x224, classes 1 to 1000 (0 is background).

    The middle 7/8 of the width and of the height, resized, as MobileNetV2's authors evaluate it.
    Ref: tensorflow/models, slim/preprocessing/inception_preprocessing.py, preprocess_for_eval.

    folder : has `labels.csv`, with the columns `file` and `tf_class_1_1000`, and `images/`.
    images : the first of labels.csv. calibration_images : the last of it, disjoint from those.
    """

    folder: Text
    images: int
    calibration_images: int = 20

    def load(self) -> Dataset:
        folder = _existing(self.folder)
        rows = _labels(_existing(folder / "labels.csv"))
        asked = self.images + self.calibration_images
        check_at_most(len(rows), asked, "images + calibration_images")
        paths = [folder / "images" / name for name, _ in rows]
        classes = [label for _, label in rows[: self.images]]
        calibration = paths[-self.calibration_images :]
        return Dataset(
            self.images,
            lambda index: (_read_middle(paths[index]), classes[index]),
            lambda: torch.stack([_read_middle(p) for p in calibration]),
            fingerprint=lambda: _fingerprint([*paths[: self.images], *calibration], classes),
        )


def _labels(path: Path) -> list[tuple[str, int]]:
    """Return the file and the class of each row of a labels.csv; a ValueError names it."""
    try:
        if (kind := contents(path)) != TEXT:
            raise ValueError(f"it is {kind}, not {TEXT}")
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restval="")
            if not {"file", "tf_class_1_1000"} <= {*(reader.fieldnames or ())}:
                raise ValueError("it must have the columns file and tf_class_1_1000")
            return [(row["file"], _label(row["tf_class_1_1000"])) for row in reader]
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error


def _label(text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text) or int(text) > 1000:
        raise ValueError(f"a class must be 0 to 1000, not {text[:40]!r}")
    return int(text)


def _read_middle(path):
    with opened_image(path) as image:
        width, height = image.size
        middle = (width / 16, height / 16, width * 15 / 16, height * 15 / 16)
        resized = image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR, middle)
    return to_tensor(np.array(resized))


@dataclass(frozen=True, kw_only=True)
class RgbdFolder(Kind):
    """Frames of a depth camera, named as those of 7-Scenes: RGB, 3xHxW, with measured depth.

    folder : has `frame-NNNNNN.color.jpg` and `frame-NNNNNN.depth.png`, 16 bits, millimetres, 0 or
    65535 where nothing was seen. first, last : numbers, inclusive, of the frames to be scored.
    size : [H, W] that images (bilinear) and depths (nearest pixel) are resized to.
    calibration_images : spread evenly over the other frames.
    """

    folder: Text
    first: int
    last: int
    size: Sequence[int]
    calibration_images: int = 16

    def __post_init__(self):
        super().__post_init__()
        check_size(self.size)

    def load(self) -> Dataset:
        paths = sorted(_existing(self.folder).glob("frame-*.color.jpg"))
        numbers = {path: _frame_number(path) for path in paths}
        scored = [path for path in paths if self.first <= numbers[path] <= self.last]
        others = [path for path in paths if path not in scored]
        if not scored:
            expected = f"frames from {self.first} to {self.last}"
            found = f"{numbers[paths[0]]} to {numbers[paths[-1]]}" if paths else "no frame"
            raise ValueError(f"{self.folder} must have {expected}, not {found}")
        check_at_most(len(others), self.calibration_images, "calibration_images")
        spread = np.linspace(0, len(others) - 1, self.calibration_images).round().astype(int)
        return Dataset(
            len(scored),
            lambda index: (self._read_color(scored[index]), self._read_depth(scored[index])),
            lambda: torch.stack([self._read_color(others[index]) for index in spread]),
            fingerprint=lambda: _fingerprint(
                [
                    *(path for color in scored for path in (color, self._depth_path(color))),
                    *(others[index] for index in spread),
                ]
            ),
        )

    def _read_color(self, path):
        with opened_image(path) as image:
            resized = image.convert("RGB").resize(self.size[::-1], Image.Resampling.BILINEAR)
        return to_tensor(np.array(resized))

    def _read_depth(self, color_path):
        path = self._depth_path(color_path)
        with opened_image(path) as image:
            if image.mode not in ("I;16", "I"):
                raise ValueError(f"{path} must have 16 bits a pixel, not mode {image.mode}")
            codes = np.array(image.resize(self.size[::-1], Image.Resampling.NEAREST))
        return np.where(np.isin(codes, INVALID_DEPTHS), 0, codes).astype(np.float32) / 1000

    @staticmethod
    def _depth_path(color_path):
        return color_path.with_name(color_path.name.replace(".color.jpg", ".depth.png"))


def _frame_number(path: Path) -> int:
    match = re.fullmatch(r"frame-([0-9]{1,18})\.color\.jpg", path.name)
    if match is None:
        raise ValueError(f"{path} must be called frame-NNNNNN.color.jpg")
    return int(match[1])


def _fingerprint(paths, classes=()):
    """Return what images depend on: their files, who decodes them, and their classes."""
    return f"{hash_files(map(_existing, paths))}, pillow {PIL.__version__}, {list(classes)}"


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """Open an image file for the block; ValueError, which names it, if it cannot be read.

    An image of more than MAX_FILE_PIXELS is not read: a small file may claim any size.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(_existing(path))
        with opened as image:
            pixels = image.width * image.height
            if pixels > MAX_FILE_PIXELS:
                raise OSError(f"it must have at most {MAX_FILE_PIXELS} pixels, not {pixels}")
            yield image
    except _UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error


_UNREADABLE = (
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
    *(OSError, EOFError, SyntaxError, struct.error),
)


def _existing(path):
    """Return `path`, a folder or a file, as a Path; ValueError if it is not there."""
    path = Path(str(path))
    if not path.exists():
        raise ValueError(f"there is no {path}")
    return path
