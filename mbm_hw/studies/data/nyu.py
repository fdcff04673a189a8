"""NYU Depth v2's test images in the archive that DenseDepth is evaluated on, `nyu_test.zip`."""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mbm_hw.studies.data.dataset import Dataset, Kind, check_at_most, to_tensor
from mbm_hw.studies.fields import Text
from mbm_hw.studies.hashing import hash_files
from mbm_hw.studies.metrics import EIGEN_CROP

SIZE = (480, 640)
PARTS = ("rgb", "depth", "crop")


@dataclass(frozen=True, kw_only=True)
class NyuDepth(Kind):
    """The test images of NYU Depth v2: RGB, 3x480x640, with measured depth; see `EIGEN_CROP`.

    Ref: I. Alhashim and P. Wonka, 2018, whose evaluation distributes the archive.

    archive : nyu_test.zip, or a folder of its arrays, read an image at a time: eigen_test_rgb.npy
    uint8 [N, 480, 640, 3], eigen_test_depth.npy, metres [N, 480, 640], eigen_test_crop.npy, the
    first and last rows and columns that are scored. images : the first of it. calibration_images :
    the last of it, disjoint from those.
    """

    archive: Text
    images: int
    calibration_images: int = 16

    def load(self) -> Dataset:
        rgb = self._open("rgb", np.uint8, (*SIZE, 3))
        depth = self._open("depth", np.floating, SIZE)
        rows, columns = EIGEN_CROP
        scored = [rows.start, rows.stop - 1, columns.start, columns.stop - 1]
        crop = self._open("crop", np.number, ())
        if (found := [int(crop[i]) for i in range(len(crop))]) != scored:
            raise ValueError(f"{crop.name} must be {scored}, which is scored, not {found}")
        asked = self.images + self.calibration_images
        check_at_most(min(len(rgb), len(depth)), asked, "images + calibration_images")
        last = range(len(rgb) - self.calibration_images, len(rgb))
        return Dataset(
            self.images,
            lambda index: (to_tensor(rgb[index]), depth[index].astype(np.float32)),
            lambda: torch.stack([to_tensor(rgb[index]) for index in last]),
            fingerprint=lambda: hash_files(self._files()),
        )

    def _files(self) -> list[Path]:
        archive = Path(self.archive)
        return [archive / f"eigen_test_{p}.npy" for p in PARTS] if archive.is_dir() else [archive]

    def _open(self, part: str, kind: type, shape: tuple[int, ...]) -> "_Items":
        archive, name = Path(self.archive), f"eigen_test_{part}.npy"
        if not archive.exists():
            raise ValueError(f"there is no {archive}")
        try:
            where = archive if archive.is_dir() else zipfile.Path(archive)
            items = _Items((where / name).open("rb"), f"{archive}/{name}")
        except (OSError, zipfile.BadZipFile) as error:
            raise ValueError(f"{archive} must have {name}: {error}") from error
        if not np.issubdtype(items.dtype, kind) or items.shape != shape:
            expected = f"{kind.__name__} {['N', *shape]}"
            found = f"{items.dtype} {['N', *items.shape]}"
            raise ValueError(f"{items.name} must be {expected}, not {found}")
        return items


class _Items:
    """The items of an array in an open .npy file, along its first axis; read on access.

    In order it is read once, also where it is compressed.
    """

    def __init__(self, file, name: str):
        npy = np.lib.format
        is_first = npy.read_magic(file) == (1, 0)
        read_header = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
        (self._count, *shape), is_fortran, self.dtype = read_header(file)
        if is_fortran:
            raise ValueError(f"{name} must be in C order")
        self.name, self.shape = name, tuple(shape)
        self._file, self._start = file, file.tell()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> np.ndarray:
        size = self.dtype.itemsize * math.prod(self.shape)
        self._file.seek(self._start + index * size)
        return np.frombuffer(self._file.read(size), self.dtype).reshape(self.shape)
