"""Data that claim more than they have, or than is allowed; archives that are damaged."""

import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

from mbm_hw.studies.data import load_data
from mbm_hw.studies.data.arrays import Items
from mbm_hw.studies.data.folders import opened_image


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (
            {"images": 10**30},
            "images must be at most 10000000, not 1000000000000000000000000000000",
        ),
        ({"calibration_images": 10**30}, "calibration_images must be at most 10000000, not "),
        ({"seed": 10**30}, "seed must be at most 9223372036854775807, not 1000000000000000000"),
        ({"size": [10**30, 1]}, r"size must be \[height, width\] of at most 4194304 pixels, not "),
        ({"size": [2048, 2049]}, r"size must be .* of at most 4194304 pixels, not \[2048, 2049\]"),
    ],
)
def test_numbers_beyond_a_limit_are_refused_with_the_limit(description, message):
    with pytest.raises(ValueError, match=message) as raised:
        load_data({"kind": "generated_rooms", "seed": 1, "images": 1} | description)
    assert len(str(raised.value)) < 200


def test_the_largest_images_that_are_allowed_are_described_without_taking_memory():
    largest = {"images": 10**7, "size": [2048, 2048]}
    assert len(load_data({"kind": "generated_rooms", "seed": 2**63 - 1} | largest)) == 10**7


def bomb(path, member, header, megabytes):
    """Write a compressed .npy of zeros that says of itself what `header` does; return the path."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(member, "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, header | {"fortran_order": False})
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    return path


def test_of_a_small_archive_that_unpacks_to_much_only_what_is_asked_for_is_read(tmp_path):
    """64 MB in 64 kB."""
    header = {"descr": "|u1", "shape": ((64 << 20) // 3072, 32, 32, 3)}
    for part in ("test", "train"):
        path = bomb(tmp_path / f"{part}.npz", "x.npy", header, 64)
        with zipfile.ZipFile(path, "a") as archive, archive.open("y.npy", "w") as file:
            np.save(file, np.zeros((64 << 20) // 3072, np.uint8))
    tracemalloc.start()
    dataset = load_data({"kind": "cifar10", "folder": str(tmp_path), "images": 4})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(dataset) == 4
    assert peak < 16 << 20


def test_a_crop_of_millions_of_numbers_is_refused_without_reading_them(tmp_path):
    header = {"descr": "<i8", "shape": (20_000_000,)}
    path = bomb(tmp_path / "nyu.zip", "eigen_test_crop.npy", header, 153)
    with zipfile.ZipFile(path, "a") as archive:
        for part, dtype, shape in (("rgb", "u1", (1, 480, 640, 3)), ("depth", "f4", (1, 480, 640))):
            with archive.open(f"eigen_test_{part}.npy", "w") as file:
                np.save(file, np.zeros(shape, dtype))
    message = r"crop\.npy must be \[20, 459, 24, 615\], which is scored, not \[0, 0, 0, 0, 0\]"
    with pytest.raises(ValueError, match=message):
        load_data({"kind": "nyu_depth", "archive": str(path), "images": 1})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((10**15, 2), "must have at most 68719476736 bytes, not "),
        ((10**9, 2), r"must have 2000000128 bytes, not \d+: it is cut off"),
        ((), "cannot be read: an array with a first axis, in C order, was expected"),
    ],
)
def test_an_array_that_claims_more_than_there_is_is_refused(shape, message, tmp_path):
    path = bomb(tmp_path / "x.npz", "x.npy", {"descr": "|u1", "shape": shape}, 1)
    with pytest.raises(ValueError, match=r"x\.npz/x\.npy " + message):
        Items(path, "x.npy", np.uint8, (2,))


def with_fields(contents, local, central, value):
    """Return a zip with `value` in a field, by its place in the local and the central header."""
    changed = bytearray(contents)
    changed[contents.index(b"PK\x03\x04") + local] = value
    changed[contents.index(b"PK\x01\x02") + central] = value
    return bytes(changed)


def encrypted(contents):
    return with_fields(contents, 6, 8, 1)


def of_unknown_compression(contents):
    return with_fields(contents, 8, 10, 99)


def corrupt(contents):
    return contents[:60] + bytes(200) + contents[260:]


def cut_off(contents):
    return contents[: len(contents) // 2]


@pytest.mark.parametrize("damage", [encrypted, of_unknown_compression, corrupt, cut_off])
def test_archives_that_cannot_be_read_are_named(damage, tmp_path):
    path = tmp_path / "x.npz"
    array = np.random.default_rng(0).integers(0, 9, (999, 2)).astype(np.uint8)
    np.savez_compressed(path, x=array)
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"x\.npz(/x\.npy cannot be read| must have x\.npy): "):
        Items(path, "x.npy", np.uint8, (2,)).read(0, 999)


def png(folder, width, height, contents=b""):
    """Write the beginning of a PNG file that says how large it is."""
    header = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", contents))
    chunks = [
        struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c))
        for kind, c in parts
    ]
    path = folder / "image.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize(
    ("width", "height", "message"),
    [
        (9_000, 9_000, "it must have at most 67108864 pixels, not 81000000"),
        (10_000, 10_000, "Image size .* exceeds limit"),
        (60_000, 60_000, "Image size .* exceeds limit"),
        (20, 20, ""),
    ],
)
def test_an_image_that_claims_too_many_pixels_or_is_cut_off_is_named(
    width, height, message, tmp_path
):
    path = png(tmp_path, width, height)
    message = rf"image\.png cannot be read as an image: {message}"
    with pytest.raises(ValueError, match=message), opened_image(path) as image:
        image.load()
