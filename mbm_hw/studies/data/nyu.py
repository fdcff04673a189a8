"""NYU Depth v2's test images in the archive that DenseDepth is evaluated on, `nyu_test.zip`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mbm_hw.studies.data.arrays import Items
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
        rgb = self._items("rgb", np.uint8, (*SIZE, 3))
        depth = self._items("depth", np.floating, SIZE)
        rows, columns = EIGEN_CROP
        scored = [rows.start, rows.stop - 1, columns.start, columns.stop - 1]
        crop = self._items("crop", np.number, ())
        found = crop.read(0, min(len(crop), 5)).tolist()
        if found != scored:
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

    def _items(self, part: str, kind: type, shape: tuple[int, ...]) -> Items:
        return Items(self.archive, f"eigen_test_{part}.npy", kind, shape)
