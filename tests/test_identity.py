"""A study's rows hold while all that they depend on is the same, and no longer."""

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_study import tiny_study

from mbm_hw.studies import hashing, identity
from mbm_hw.studies.data import load_data
from mbm_hw.studies.data.dataset import Dataset
from mbm_hw.studies.description import RandomWeights
from mbm_hw.studies.hashing import hash_files, remembered
from mbm_hw.studies.identity import differences, user_modules
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.source_code import code_of
from mbm_hw.system.user_code import load_function

NETWORK = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(8, 10)

    def forward(self, x):
        from helper import prepare
        return self.fc(torch.relu(self.c(prepare(x))).mean((2, 3)))

def net() -> nn.Module:
    return Net()
"""


@pytest.fixture
def run_of(tmp_path):
    """A function that gives the run of a study whose network and data lie in `tmp_path`."""
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "helper.py").write_text("def prepare(x): return x * 3 - 1\n")
    write_images(tmp_path, np.arange(60) % 10)

    def run():
        data = {"kind": "cifar10", "folder": str(tmp_path), "images": 60, "calibration_images": 20}
        weights = RandomWeights(0)
        network = f"{tmp_path}/net.py:net"
        study = tiny_study(tmp_path, network=network, weights=weights, data=data, batch=60)
        return StudyRun(study, tmp_path / "results", data=tmp_path)

    return run


def write_images(folder, classes):
    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3)).astype(np.uint8)
    np.savez(folder / "test.npz", x=images, y=classes)
    np.savez(folder / "train.npz", x=images[::-1], y=classes)


def top1(run):
    return [row["top1"] for row in run.rows() if row["spec"] == "float"]


def test_labels_that_changed_give_new_rows(run_of, tmp_path):
    """57 of 60; the first, the middle and the last are as they were."""
    before = top1(run_of())
    classes = (np.arange(60) + 5) % 10
    classes[[0, 30, 59]] = 0, 0, 9
    write_images(tmp_path, classes)
    after = run_of()
    assert differences(after.identity, run_of().identity) == ""
    assert top1(after) != before


def test_a_helper_that_changed_gives_new_rows_and_is_named(run_of, tmp_path):
    first = run_of()
    losses = [row["cross_entropy"] for row in first.rows()]
    helper = tmp_path / "helper.py"
    helper.write_text('"""It prepares."""\ndef prepare(x): return x * 3 - 1  # as it was\n')
    assert run_of().identity == first.identity
    helper.write_text("def prepare(x): return x * 2 - 1\n")
    second = run_of()
    assert differences(second.identity, first.identity).startswith("module helper is ")
    assert [row["cross_entropy"] for row in second.rows()] != losses


def test_what_is_compared_is_the_code_that_ran(run_of, tmp_path):
    expected, run = run_of().identity, run_of()
    (tmp_path / "helper.py").write_text("def prepare(x): return x\n")
    assert run.identity == expected != run_of().identity


def test_modules_that_lie_beside_the_network_or_on_pythons_path_count(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "lib").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "lib")
    (tmp_path / "lib/zoo_of_mine.py").write_text("import zoo_parts\nWIDTH = 3\n")
    (tmp_path / "lib/zoo_parts.py").write_text("WIDTH = 4\n")
    (tmp_path / "own/net.py").write_text("import zoo_of_mine, yaml, torch, json\ndef net(): pass\n")
    (tmp_path / "own/other.py").write_text("WIDTH = 3\n")
    modules = user_modules([f"{tmp_path}/own/net.py:net"])
    assert list(modules) == ["module net", "module zoo_of_mine", "module zoo_parts", "package yaml"]
    (tmp_path / "lib/zoo_parts.py").write_text("WIDTH = 5\n")
    changed = user_modules([f"{tmp_path}/own/net.py:net"])
    assert [name for name in modules if modules[name] != changed[name]] == ["module zoo_parts"]


def test_modules_that_are_imported_by_a_computed_name_count(tmp_path):
    text = "import importlib\nblocks = importlib.import_module('.blocks', __package__)\n"
    (tmp_path / "net.py").write_text(f"{text}def net(): pass\n")
    (tmp_path / "blocks.py").write_text("WIDTH = 4\n")
    (tmp_path / "other.py").write_text("WIDTH = 4\n")
    load_function(f"{tmp_path}/net.py:net")
    assert list(user_modules([f"{tmp_path}/net.py:net"])) == ["module blocks", "module net"]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of this package's sources, which may be edited."""
    copy = tmp_path / "mbm_hw"
    shutil.copytree(identity.PACKAGE, copy, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    monkeypatch.setattr(identity, "PACKAGE", copy)
    monkeypatch.setattr(identity, "ROOT", copy / "studies/run.py")
    monkeypatch.setattr(hashing, "LEAST_SECONDS", 1e9)
    return copy


def versions():
    return [identity.code_version.__wrapped__(part) for part in (None, identity.CUDA)]


def test_rows_depend_on_the_package_s_code_that_computes_them_and_on_no_other(package):
    before = versions()
    for name in ("cost/area", "hdl/blocks", "cli/studies", "studies/report", "studies/shards"):
        file = next(package.glob(f"{name}*.py"), package / f"{name}.py")
        file.write_text("changed = True\n")
    layers = package / "nn/layers.py"
    text = layers.read_text()
    layers.write_text("# What a layer is.\n" + text.replace('"""', '"""Well: ', 1) + "\n\n# End\n")
    assert versions() == before
    for change, expected in (
        ("nn/layers.py", [True, False]),
        ("studies/rooms.py", [True, False]),
        ("studies/evaluation.py", [True, False]),
        ("multipliers/spec.py", [True, False]),
        ("multipliers/drum.py", [True, False]),
        ("ops/cpu/band.cpp", [True, False]),
        ("ops/cuda/tiles.py", [False, True]),
        ("ops/cuda/kernels/table.cu", [False, True]),
    ):
        before = versions()
        with open(package / change, "a") as file:
            file.write("\nchanged = 1\n")
        assert [a != b for a, b in zip(versions(), before, strict=True)] == expected, change


def test_every_module_that_a_run_imports_is_counted_or_only_names_and_keeps_rows():
    program = "import sys, mbm_hw.studies.run; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    imported = {name for name in printed.stdout.split() if name.split(".")[0] == "mbm_hw"}
    found, counted = (
        identity.package_files(without).keys() for without in ({"mbm_hw"}, identity.LEFT_OUT)
    )
    # The index; what is said of multipliers, not computed by them; what the C++ is compiled to.
    said = {f"mbm_hw.multipliers.{m}" for m in ("differences", "errors", "evoapprox", "published")}
    beside = {"mbm_hw", "mbm_hw.ops._cpu"} | said
    assert imported - found <= beside
    assert len(imported & counted) > 50
    keeping = {f"mbm_hw.studies.{name}" for name in ("store_contents", "file_systems")}
    assert found - counted <= identity.LEFT_OUT | keeping


def test_comments_docstrings_and_blank_lines_are_no_code():
    source = b'''"""Text."""

import a  # why

class B:
    """Of
    several lines."""
    X = """
# no comment

"""
    def f(self):  # none
        "A docstring."; return "#"
'''
    expected = b'''import a
class B:
    X = """
# no comment

"""
    def f(self):
        ; return "#"'''
    assert code_of(source) == expected
    assert code_of(source.replace(b"\n", b"\r\n")) == expected
    assert code_of(b"no Python (") == b"no Python ("


def test_every_sample_target_and_calibration_image_is_in_the_fingerprint():
    arrays = np.zeros((5, 1, 2, 2), np.float32), np.zeros((5, 2, 2)), np.zeros((2, 1, 2, 2))

    def fingerprint(images, depths, calibration):
        return Dataset(5, lambda i: (images[i], depths[i]), lambda: calibration).fingerprint

    seen = {fingerprint(*arrays)}
    for array in arrays:
        for index in range(len(array)):
            array[index].flat[-1] = 1
            seen.add(fingerprint(*arrays))
    assert len(seen) == 1 + 5 + 5 + 2


def image_files(folder):
    (folder / "images").mkdir()
    rows = []
    for index in range(8):
        grey = np.full((8, 16, 3), 9 * index, np.uint8)
        depth = Image.fromarray(np.full((8, 16), 1000 + index, np.uint16))
        Image.fromarray(grey).save(folder / f"images/{index}.png")
        Image.fromarray(grey).save(folder / f"frame-{index:06d}.color.jpg")
        depth.save(folder / f"frame-{index:06d}.depth.png")
        rows.append({"file": f"{index}.png", "tf_class_1_1000": index})
    with open(folder / "labels.csv", "w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


@pytest.mark.parametrize(
    ("data", "counted", "others"),
    [
        (
            {"kind": "imagenet_sample", "images": 4, "calibration_images": 2},
            ["images/0.png", "images/2.png", "images/7.png"],
            ["images/5.png", "frame-000001.color.jpg"],
        ),
        (
            {"kind": "rgbd_folder", "first": 2, "last": 5, "size": [4, 8], "calibration_images": 2},
            ["frame-000003.depth.png", "frame-000004.color.jpg", "frame-000000.color.jpg"],
            ["frame-000001.color.jpg", "frame-000000.depth.png", "images/0.png"],
        ),
    ],
)
def test_files_that_samples_are_read_from_count_and_no_others(tmp_path, data, counted, others):
    image_files(tmp_path)

    def fingerprint():
        return load_data(data | {"folder": str(tmp_path)}).fingerprint

    for files, is_counted in ((others, False), (counted, True)):
        for name in files:
            before = fingerprint()
            with open(tmp_path / name, "ab") as file:
                file.write(b"x")
            assert (fingerprint() != before) == is_counted, name
    if data["kind"] == "imagenet_sample":
        before, labels = fingerprint(), tmp_path / "labels.csv"
        labels.write_text(labels.read_text().replace("2.png,2", "2.png,9"))
        assert fingerprint() != before


def test_hashes_are_remembered_until_a_file_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(hashing, "LEAST_SECONDS", 0)
    monkeypatch.setattr(hashing, "SETTLED_SECONDS", 0)
    file, asked = tmp_path / "data.bin", []
    file.write_bytes(b"one")

    def value():
        def compute():
            asked.append(file.read_bytes())
            return hash_files([file])

        time.sleep(0.01)
        return remembered("test", [file], compute)

    first = value()
    assert (value(), len(asked)) == (first, 1)
    stamps = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))  # size and time as before
    assert value() != first
    for damage in ("", "null", "[1]", '{"state": 1}', '{"value": 2, "state"'):
        for kept in (tmp_path / "cache").rglob("*.json"):
            kept.write_text(damage)
        count = len(asked)
        assert value() == hash_files([file])
        assert len(asked) == count + 1
    monkeypatch.setattr(hashing, "cache_folder", lambda: Path("/proc/nowhere/kernels"))
    assert value() == hash_files([file])


def test_files_that_have_just_changed_are_not_remembered(tmp_path, monkeypatch):
    """They may change once more within the same time stamp."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(hashing, "LEAST_SECONDS", 0)
    (tmp_path / "data.bin").write_bytes(b"one")
    hash_files([tmp_path / "data.bin"])
    assert not list((tmp_path / "cache").rglob("*.json"))
