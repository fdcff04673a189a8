"""The user's own files: loaded apart from one another, and found fault with by name."""

import dataclasses
import importlib
import inspect
import pickle
import sys

import pytest
from torch import nn

from mbm_hw.studies.networks import load_network, load_weights
from mbm_hw.system.user_code import load_function

NET = "from torch import nn\nfrom blocks import WIDTH\ndef net(): return nn.Linear(WIDTH, WIDTH)\n"


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_two_folders_have_helpers_of_the_same_name(tmp_path):
    write(tmp_path / "a", net=NET, blocks="WIDTH = 4")
    write(tmp_path / "b", net=NET, blocks="WIDTH = 64")
    before = set(sys.modules)
    widths = [load_network(f"{tmp_path}/{f}/net.py:net").in_features for f in "abab"]
    assert widths == [4, 64, 4, 64]
    assert not {"net", "blocks"} & (set(sys.modules) - before)


def test_a_helper_that_is_imported_only_in_a_call_is_the_folders_own(tmp_path):
    lazy = "def width():\n    import blocks\n    return blocks.WIDTH\n"
    write(tmp_path / "a", net=lazy, blocks="WIDTH = 4")
    write(tmp_path / "b", net=lazy, blocks="WIDTH = 64")
    functions = [load_function(f"{tmp_path}/{f}/net.py:width") for f in "ab"]
    assert [function() for function in functions] == [4, 64]


@pytest.mark.parametrize("name", ["random", "torch", "numpy", "yaml"])
def test_a_file_may_be_called_like_an_installed_module(tmp_path, name):
    installed = importlib.import_module(name)
    write(
        tmp_path,
        **{name: f"import {name}\nimport torch\ndef net(): return torch.nn.Linear(1, 2), {name}"},
        other="import random, torch\ndef net(): return torch.nn.Linear(1, random.choice([3]))",
    )
    assert load_function(f"{tmp_path}/{name}.py:net")()[1] is installed
    assert load_network(f"{tmp_path}/other.py:net").out_features == 3
    assert sys.modules[name] is installed


def test_files_of_one_folder_share_their_modules(tmp_path):
    """The weights' file can ask for the class of the network."""
    write(
        tmp_path,
        net="from torch import nn\nclass Net(nn.Linear): pass\ndef net(): return Net(1, 1)",
        train="from net import Net\ndef train(network, data): assert type(network) is Net",
    )
    load_weights(load_network(f"{tmp_path}/net.py:net"), f"{tmp_path}/train.py:train")


def test_packages_import_relatively_and_by_their_name(tmp_path):
    write(
        tmp_path / "zoo",
        __init__="from zoo.blocks import WIDTH",
        blocks="WIDTH = 5",
        net="from . import parts\nimport zoo.blocks as b\nimport blocks\n"
        "def net(): return parts.HALF, b.WIDTH, blocks is b",
    )
    write(tmp_path / "zoo/parts", __init__="from ..blocks import WIDTH as HALF")
    assert load_function(f"{tmp_path}/zoo/net.py:net")() == (5, 5, True)


def test_dataclasses_sources_and_pickles_of_the_users_classes_work(tmp_path):
    write(
        tmp_path,
        net="from __future__ import annotations\nfrom dataclasses import dataclass, field\n"
        "@dataclass\nclass Widths:\n    first: int = 3\n    rest: list[int] = field("
        "default_factory=list)\ndef widths(): return Widths()",
        full="import pickle\ndef full(network, data):\n"
        "    network.widths = pickle.loads(b'cnet\\nWidths\\n.')\n",
    )
    widths = load_function(f"{tmp_path}/net.py:widths")()
    assert dataclasses.asdict(widths) == {"first": 3, "rest": []}
    assert "first: int = 3" in inspect.getsource(type(widths))
    assert pickle.loads(pickle.dumps(widths)) == widths
    network = nn.Module()
    load_weights(network, f"{tmp_path}/full.py:full")
    assert network.widths is type(widths)


def test_a_file_that_changed_is_loaded_anew_with_its_helpers(tmp_path):
    """Same size, same second: a cached .pyc would be taken for it."""
    write(tmp_path, net=NET, blocks="WIDTH = 4")
    name = f"{tmp_path}/net.py:net"
    first = load_function(name)
    assert load_function(name) is first
    write(tmp_path, blocks="WIDTH = 8")
    assert load_network(name).in_features == 8
    assert first().in_features == 4
    assert not list(tmp_path.rglob("*.pyc"))


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ("WIDTH =", r"net.py:net: SyntaxError: invalid syntax \(blocks.py, line 1\)"),
        ("\nWIDTH = 1 / 0", r"net.py:net: ZeroDivisionError: division by zero \(blocks.py, line 2"),
        ("import absent_module", r"No module named 'absent_module' \(blocks.py, line 1\)"),
        ("W = 1", r"ImportError: cannot import name 'WIDTH' from .*\(net.py, line 2\)"),
        ("import sys; sys.exit(3)", r"net.py:net: SystemExit: 3 \(blocks.py, line 1\)"),
        ("WIDTH = 'four'", r"net.py:net: TypeError: .* \(net.py, line 3\)"),
    ],
)
def test_what_is_wrong_with_the_users_code_is_said_with_file_and_line(tmp_path, blocks, message):
    write(tmp_path, net=NET, blocks=blocks)
    with pytest.raises(ValueError, match=message) as caught:
        load_network(f"{tmp_path}/net.py:net")
    assert "\n" not in str(caught.value)


def test_a_file_that_was_mended_is_loaded(tmp_path):
    write(tmp_path, net=NET, blocks="WIDTH =")
    with pytest.raises(ValueError, match="SyntaxError"):
        load_network(f"{tmp_path}/net.py:net")
    write(tmp_path, blocks="WIDTH = 7")
    assert load_network(f"{tmp_path}/net.py:net").in_features == 7
