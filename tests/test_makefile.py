"""The Makefile hands on what it is given, as it is: neither make nor a shell runs any of it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = """it's a "clone" $x é"""
EVIL = [
    "$(touch evil)",
    "a; touch evil",
    "`touch evil`",
    "$(shell touch evil)",
    "${shell touch evil}",
    "$$(touch evil)",
    "'; touch evil; '",
    '"; touch evil; "',
    "a\ntouch evil",
    "a && touch evil #",
    "--spec\\",
    "two  words",
]
RECORDER = "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done >> arguments\n"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with an awkward name, whose Python writes down its arguments."""
    folder = tmp_path_factory.mktemp("makefile") / FOLDER
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "tests").mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "tests/build_folder.sh"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "mbm_hw/ops/cpu").mkdir(parents=True)
    for name in ("installed", "simulators", "browser", "bin/python"):
        (folder / ".venv" / name).write_text(RECORDER)
    (folder / ".venv/bin/python").chmod(0o755)
    return folder


def made(folder, target, given=(), environment=()):
    """Return the words with which `make TARGET` calls Python."""
    (folder / "arguments").write_bytes(b"")
    subprocess.run(
        ["make", target, *given],
        cwd=folder,
        env=os.environ | dict(environment),
        check=True,
        capture_output=True,
    )
    return (folder / "arguments").read_text().split("\0")[:-1]


OPTIONS = [
    ("sim", "SIM", "--sim"),
    ("sim", "SPEC", "--spec"),
    ("sim", "SEED", "--seed"),
    ("prove", "SPEC", "--spec"),
    ("prove", "LIMIT", "--limit"),
    ("sim-layer", "SIM", "--sim"),
    ("sim-layer", "SPEC", "--spec"),
    ("sim-layer", "LAYER", "--layer"),
    ("sim-layer", "OUTPUTS", "--outputs"),
    ("synth", "LIBERTY", "--liberty"),
    ("study", "DATA", "--data"),
    ("atlas", "DATA", "--data"),
    ("atlas", "LIBERTY", "--liberty"),
]


@pytest.mark.parametrize(("target", "variable", "option"), OPTIONS)
def test_a_value_arrives_as_one_word(checkout, target, variable, option):
    for text in EVIL:
        for how in ({"given": [f"{variable}={text}"]}, {"environment": {variable: text}}):
            words = made(checkout, target, **how)
            assert words[words.index(option) + 1] == text
            assert not (checkout / "evil").exists()


def test_a_family_arrives_as_one_word(checkout):
    for text in EVIL:
        assert made(checkout, "check", [f"FAMILY={text}"])[-1] == text
        assert not (checkout / "evil").exists()


def test_options_that_are_not_given_are_not_there(checkout):
    assert made(checkout, "sim") == ["-m", "sim"]
    assert made(checkout, "prove", ["SWEEP=1"]) == ["-m", "proof", "--sweep"]
    words = made(checkout, "sim", ["COVERAGE=1", "SPEC=a b"])
    assert words[:5] == ["-m", "sim", "--spec", "a b", "--coverage"]
    assert words[5:] == ["-m", "proof.toggles", "results/sim/verilator", "a b"]


def test_the_options_of_the_bench_are_split_and_nothing_more(checkout):
    for text in ("$(touch evil)", "`touch evil`", "a; touch evil", "$(shell touch evil)", ""):
        assert made(checkout, "bench", [f"BENCH={text}"]) == ["-m", "bench", *text.split()]
        assert not (checkout / "evil").exists()
    words = made(checkout, "bench", ["DEVICE=cuda", "BENCH=--layer '3x3 69' *"])
    assert words == ["-m", "bench.cuda", "--layer", "3x3 69", "*"]


def test_another_makefile_variable_is_not_run_either(checkout):
    for name in ("BIN", "PYTHON", "STUDIES", "KERNELS", "PYTHON3", "ANY"):
        made(checkout, "study", [f"{name}=$(shell touch evil); touch evil;"])
        assert not (checkout / "evil").exists()


def test_the_script_of_the_command_line_starts_in_a_folder_of_any_name(checkout, tmp_path):
    python, link = checkout / ".venv/bin/python", tmp_path / "link"
    made(checkout, "setup", ["--always-make", f"PYTHON3={python}"], {"TMPDIR": str(tmp_path)})
    link.symlink_to(python.with_name("mbm-hw"))
    for script in (link.readlink(), link):
        (checkout / "arguments").unlink()
        subprocess.run([script, "errors", "$x 'y'"], cwd=checkout, check=True)
        words = (checkout / "arguments").read_text().split("\0")[:-1]
        assert words == ["-P", "-m", "mbm_hw", "errors", "$x 'y'"]
