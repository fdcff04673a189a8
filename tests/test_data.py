import csv
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from mbm_hw.studies.data import load_data, split_digits
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.rooms import rooms


def assert_is_sample(image, shape):
    assert (image.dtype, tuple(image.shape)) == (torch.float32, shape)
    assert 0 <= image.min() <= image.max() <= 1


def as_tensor(rgb):
    return torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("digits", "data needs the key 'kind', one of digits, .*; not 'digits'"),
        ({"seed": 1}, "data needs the key 'kind', one of digits, generated_rooms, cifar10, "),
        ({"kind": "nyu"}, "data has no kind 'nyu'; known: digits, generated_rooms, cifar10, "),
        ({"kind": ["nyu"]}, "data has no kind \\['nyu'\\]; known: "),
        (
            {"kind": "digits", "seed": 1, "images": 2, "size": 3},
            "digits has no key 'size'; known: seed, images, calibration_images",
        ),
        ({"kind": "digits", "seed": 1}, "data of kind digits needs the key 'images'; known: seed"),
        (
            {"kind": "digits", "seed": 1, "images": 0},
            "images must be an integer of at least 1, not 0",
        ),
        (
            {"kind": "digits", "seed": "a", "images": 1},
            "seed must be an integer of at least 0, not 'a'",
        ),
        ({"kind": "digits", "seed": 1, "images": 798}, "images must be at most 797, not 798"),
        (
            {"kind": "digits", "seed": 1, "images": 9, "calibration_images": 1001},
            "calibration_images must be at most 1000, not 1001",
        ),
        ({"kind": "cifar10", "folder": "/no/such", "images": 1}, "there is no /no/such"),
        ({"kind": "imagenet_sample", "folder": "/no/such", "images": 1}, "there is no /no/such"),
        (
            {"kind": "rgbd_folder", "folder": "/no/such", "first": 0, "last": 1, "size": [4, 8]},
            "there is no /no/such",
        ),
        (
            {"kind": "rgbd_folder", "folder": "/no/such", "first": 0, "last": 1, "size": [4]},
            "size must be \\[height, width\\] in pixels, not \\[4\\]",
        ),
    ],
)
def test_a_wrong_description_is_refused_by_name(description, message):
    with pytest.raises(ValueError, match=message):
        load_data(description)


def test_digits_are_split_once_and_in_proportion():
    (train, train_classes), (test, test_classes) = split_digits()
    assert (tuple(train.shape), tuple(test.shape)) == ((1000, 1, 8, 8), (797, 1, 8, 8))
    seen = {image.numpy().tobytes() for image in train}
    assert not [image for image in test if image.numpy().tobytes() in seen]
    shares = [torch.bincount(c, minlength=10) / len(c) for c in (train_classes, test_classes)]
    assert torch.allclose(*shares, atol=0.002)


def test_digits_of_any_seed_come_from_the_test_part():
    _, (test, classes) = split_digits()
    of_the_test_part = {x.numpy().tobytes(): int(c) for x, c in zip(test, classes, strict=True)}
    first, again, other = (
        load_data({"kind": "digits", "seed": seed, "images": 50}) for seed in (1, 1, 2)
    )
    assert len(first) == 50
    for index in range(50):
        image, target = first[index]
        assert_is_sample(image, (1, 8, 8))
        assert of_the_test_part[image.numpy().tobytes()] == target
        assert torch.equal(image, again[index][0])
    assert not all(torch.equal(first[i][0], other[i][0]) for i in range(50))
    assert tuple(first.calibration.shape) == (100, 1, 8, 8)
    with pytest.raises(IndexError, match="the data has samples 0 to 49, not 50"):
        first[50]


def test_generated_rooms_are_those_of_the_seed_and_calibration_is_of_another():
    dataset = load_data(
        {"kind": "generated_rooms", "seed": 7, "images": 3, "calibration_images": 2}
    )
    rgb, depth = rooms(7, 3)
    assert len(dataset) == 3
    for index, (image, target) in enumerate(dataset):
        assert torch.equal(image, as_tensor(rgb[index]))
        assert np.array_equal(target, depth[index])
        assert target.dtype == np.float32
    calibration, _ = rooms(500_007, 2)
    assert torch.equal(dataset.calibration, torch.stack([as_tensor(x) for x in calibration]))


def write_cifar(folder, images=6):
    rng = np.random.default_rng(0)
    parts = {}
    for name in ("cifar10_test_0000", "cifar10_train_0000"):
        parts[name] = rng.integers(0, 256, (images, 32, 32, 3)).astype(np.uint8)
        np.savez(folder / f"{name}.npz", x=parts[name], y=np.arange(images, dtype=np.uint8))
    return parts


def test_cifar10_gives_the_first_test_images_and_calibrates_with_training_images(tmp_path):
    parts = write_cifar(tmp_path)
    description = {"kind": "cifar10", "folder": str(tmp_path), "images": 4, "calibration_images": 3}
    dataset = load_data(description)
    assert len(dataset) == 4
    image, target = dataset[3]
    assert target == 3
    assert isinstance(target, int)
    assert torch.equal(image, as_tensor(parts["cifar10_test_0000"][3]))
    expected = [as_tensor(x) for x in parts["cifar10_train_0000"][:3]]
    assert torch.equal(dataset.calibration, torch.stack(expected))
    with pytest.raises(ValueError, match="images must be at most 6, not 7"):
        load_data(description | {"images": 7})
    (tmp_path / "cifar10_train_0000.npz").unlink()
    with pytest.raises(ValueError, match=r"must have one file \*train\*.npz, not none"):
        load_data(description)


def test_an_imagenet_sample_is_cut_to_its_middle_and_calibrated_with_its_last_images(tmp_path):
    (tmp_path / "images").mkdir()
    description = {
        "kind": "imagenet_sample",
        "folder": str(tmp_path),
        "images": 2,
        "calibration_images": 1,
    }
    with pytest.raises(ValueError, match=r"there is no .*labels\.csv"):
        load_data(description)
    # Twice the middle's 224x224 in each direction is 256x256 / (7 / 8) of white, with a black rim.
    pixels = np.zeros((512, 512), np.uint8)
    pixels[32:480, 32:480] = 255
    with open(tmp_path / "labels.csv", "w", newline="") as file:
        table = csv.DictWriter(file, ["file", "tf_class_1_1000"])
        table.writeheader()
        for index in range(3):
            Image.fromarray(pixels // (index + 1)).save(tmp_path / "images" / f"{index}.png")
            table.writerow({"file": f"{index}.png", "tf_class_1_1000": 10 + index})
    dataset = load_data(description)
    assert [target for _, target in dataset] == [10, 11]
    for index, (image, _) in enumerate(dataset):
        assert_is_sample(image, (3, 224, 224))
        assert (image[:, 1:-1, 1:-1] == (255 // (index + 1)) / 255).all()
    assert (dataset.calibration[:, :, 1:-1, 1:-1] == 85 / 255).all()
    with pytest.raises(ValueError, match=r"images \+ calibration_images must be at most 3, not 4"):
        load_data(description | {"images": 3})


@pytest.fixture
def rgbd(tmp_path):
    """Frames 0, 5, ... 25 of 8x16 pixels; frame n is of grey n, 1000 mm + n deep, and partly
    without depth."""
    for number in range(0, 30, 5):
        color = np.full((8, 16, 3), number, np.uint8)
        Image.fromarray(color).save(tmp_path / f"frame-{number:06d}.color.jpg", quality=100)
        depth = np.full((8, 16), 1000 + number, np.uint16)
        depth[:4, :8], depth[4:, 8:] = 0, 65535
        Image.fromarray(depth).save(tmp_path / f"frame-{number:06d}.depth.png")
    return {
        "kind": "rgbd_folder",
        "folder": str(tmp_path),
        "first": 6,
        "last": 15,
        "size": [4, 8],
        "calibration_images": 2,
    }


def test_an_rgbd_folder_is_read_in_metres_at_the_size_asked_for(rgbd):
    dataset = load_data(rgbd)
    assert len(dataset) == 2
    for number, (image, depth) in zip((10, 15), dataset, strict=True):
        assert_is_sample(image, (3, 4, 8))
        assert torch.allclose(image, torch.tensor(number / 255), atol=1.5 / 255)
        assert (depth.dtype, depth.shape) == (np.float32, (4, 8))
        assert (depth[:2, :4] == 0).all()
        assert (depth[2:, 4:] == 0).all()
        assert np.allclose(depth[2:, :4], 1 + number / 1000)
    native = load_data(rgbd | {"size": [8, 16]})
    assert native[0][1].shape == (8, 16)


def test_an_rgbd_folder_is_calibrated_with_frames_spread_over_the_others(rgbd):
    calibration = load_data(rgbd).calibration
    assert tuple(calibration.shape) == (2, 3, 4, 8)
    means = calibration.mean(dim=(1, 2, 3)) * 255
    assert torch.allclose(means, torch.tensor([0.0, 25.0]), atol=1.5)
    with pytest.raises(ValueError, match="calibration_images must be at most 4, not 5"):
        load_data(rgbd | {"calibration_images": 5})


def test_missing_frames_and_wrong_depths_are_named(rgbd, tmp_path):
    with pytest.raises(ValueError, match="must have frames from 40 to 50, not 0 to 25"):
        load_data(rgbd | {"first": 40, "last": 50})
    depth = tmp_path / "frame-000010.depth.png"
    Image.fromarray(np.zeros((8, 16), np.uint8)).save(depth)
    dataset = load_data(rgbd)
    with pytest.raises(
        ValueError, match=r"frame-000010\.depth\.png must have 16 bits a pixel, not"
    ):
        dataset[0]
    depth.unlink()
    with pytest.raises(ValueError, match=r"there is no .*frame-000010\.depth\.png"):
        dataset[0]


@pytest.fixture(params=["folder", "zip"])
def nyu(request, tmp_path):
    """Four images; image n is of grey n, and 2 m deep where it is scored, 1 m elsewhere."""
    depth = np.ones((4, 480, 640), np.float32)
    depth[:, 20:460, 24:616] = 2
    rgb = np.broadcast_to(np.arange(4, dtype=np.uint8)[:, None, None, None], (4, 480, 640, 3))
    crop = np.array([20, 459, 24, 615])
    folder = tmp_path / "nyu"
    folder.mkdir()
    for part, array in (("rgb", rgb), ("depth", depth), ("crop", crop)):
        np.save(folder / f"eigen_test_{part}.npy", array)
    archive = folder
    if request.param == "zip":
        archive = tmp_path / "nyu_test.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in folder.iterdir():
                file.write(path, path.name)
    return {"kind": "nyu_depth", "archive": str(archive), "images": 2, "calibration_images": 1}


def test_nyus_archive_is_read_and_scored_within_the_crop(nyu):
    dataset = load_data(nyu)
    assert len(dataset) == 2
    for index in (1, 0):
        image, depth = dataset[index]
        assert_is_sample(image, (3, 480, 640))
        assert (image == np.float32(index) / np.float32(255)).all()
        assert (depth.dtype, depth.shape) == (np.float32, (480, 640))
    assert (dataset.calibration == np.float32(3) / np.float32(255)).all()

    def two_metres(images):
        return torch.full((len(images), 1, 240, 320), 5.0)

    for name in ("depth_eigen", "depth_flip_eigen", "depth_pooled_flip_eigen"):
        scores = EVALUATIONS[name].evaluate(two_metres, dataset)
        assert (scores["a1"], scores["rel"]) == (1, pytest.approx(0, abs=1e-6))
    assert EVALUATIONS["depth"].evaluate(two_metres, dataset)["a1"] < 1


def test_what_is_not_nyus_archive_is_named(nyu, tmp_path):
    with pytest.raises(ValueError, match=r"images \+ calibration_images must be at most 4, not 5"):
        load_data(nyu | {"images": 4})
    with pytest.raises(ValueError, match="there is no /no/such"):
        load_data(nyu | {"archive": "/no/such"})
    folder = tmp_path / "nyu"
    description = nyu | {"archive": str(folder)}
    np.save(folder / "eigen_test_crop.npy", np.array([0, 479, 0, 639]))
    with pytest.raises(ValueError, match=r"must be \[20, 459, 24, 615\], which is scored, not"):
        load_data(description)
    np.save(folder / "eigen_test_depth.npy", np.ones((4, 240, 320)))
    with pytest.raises(
        ValueError, match=r"must be floating \['N', 480, 640\], not float64 \['N', "
    ):
        load_data(description)
    (folder / "eigen_test_rgb.npy").unlink()
    with pytest.raises(ValueError, match=r"must have eigen_test_rgb\.npy: "):
        load_data(description)
