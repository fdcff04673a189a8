"""Checkpoints as training programs write them, and files that are taken for them."""

import fractions
import pickle
import random
import zipfile

import pytest
import safetensors.torch
import torch
from torch import nn

from mbm_hw.studies.checkpoints import open_checkpoint
from mbm_hw.studies.networks import load_weights


def network():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(4, 3))


STATE = network().state_dict()


def prefixed(*prefixes):
    return {"".join(prefixes) + key: value for key, value in STATE.items()}


class InModel(nn.Module):
    """A network whose own keys begin with `model.`"""

    def __init__(self):
        super().__init__()
        self.model = network()


@pytest.mark.parametrize(
    ("content", "stripped"),
    [
        (STATE, ()),
        ({"model": STATE, "epoch": 3}, ("model",)),
        ({"model_state_dict": STATE, "loss": 0.1}, ("model_state_dict",)),
        ({"state_dict": prefixed("model.", "_orig_mod.")}, ("state_dict", "model.", "_orig_mod.")),
        ({"net": prefixed("module.", "model.")}, ("net", "module.", "model.")),
        ({"model": {"state_dict": prefixed("_orig_mod.", "module.")}}, None),
    ],
)
def test_wrappers_and_prefixes_are_taken_off_and_told(tmp_path, content, stripped):
    torch.save(content, tmp_path / "x.pt")
    filled = network()
    note = load_weights(filled, str(tmp_path / "x.pt"))
    assert all(torch.equal(value, STATE[key]) for key, value in filled.state_dict().items())
    stripped = ("model", "state_dict", "_orig_mod.", "module.") if stripped is None else stripped
    expected = f"{tmp_path}/x.pt was loaded without its {', '.join(map(repr, stripped))}"
    assert note == (expected if stripped else "")


def test_a_prefix_that_the_network_has_itself_stays(tmp_path):
    torch.save(prefixed("module.", "model."), tmp_path / "x.pt")
    assert load_weights(InModel(), str(tmp_path / "x.pt")).endswith("without its 'module.'")
    torch.save(prefixed("model."), tmp_path / "x.pt")
    assert load_weights(InModel(), str(tmp_path / "x.pt")) == ""


def test_safetensors_load(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file(prefixed("module."), path)
    checkpoint = open_checkpoint(path, STATE)
    assert checkpoint.stripped == ("module.",)
    assert all(torch.equal(checkpoint.state[key], STATE[key]) for key in STATE)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match="not a damaged safetensors file"):
        open_checkpoint(path)


def saved(tmp_path, **options):
    torch.save(STATE, tmp_path / "saved.pt", **options)
    return (tmp_path / "saved.pt").read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a git-lfs pointer"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"weights\n", "text"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (pickle.dumps(fractions.Fraction(1, 2)), "another pickle"),
        (bytes(range(1, 256)), "binary data"),
    ],
)
def test_a_file_of_another_kind_is_told_by_what_it_is(tmp_path, content, words):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(ValueError, match=f"x.pt must be a checkpoint, not .*{words}"):
        open_checkpoint(tmp_path / "x.pt")


def test_a_truncated_checkpoint_a_zip_a_script_and_a_folder_are_told(tmp_path):
    path = tmp_path / "x.pt"
    path.write_bytes(saved(tmp_path)[:-400])
    with pytest.raises(ValueError, match="a truncated or damaged one"):
        open_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "")
    with pytest.raises(ValueError, match="a zip archive that torch"):
        open_checkpoint(path)
    torch.save(network(), path)
    with pytest.raises(ValueError, match=r"a pickle of torch\.\S+Sequential: save the state_dict"):
        open_checkpoint(path)
    with pytest.raises(ValueError, match="not a folder"):
        open_checkpoint(tmp_path)
    torch.save({0: torch.ones(1)}, path)
    with pytest.raises(ValueError, match="must hold tensors by name, not a dict whose 0"):
        open_checkpoint(path)


def test_keys_that_do_not_fit_are_named_in_a_short_line(tmp_path):
    path = tmp_path / "x.pt"
    wide = {f"{'deep.' * 60}{index}": torch.ones(1) for index in range(500)}
    for content, message in (
        ({**STATE, **wide}, "it has unexpected deep.deep.* and 499 more"),
        ({"0.weight": STATE["0.weight"]}, "does not fit the network: it lacks 0.bias and 2 more"),
        ({**STATE, "0.bias": torch.ones(7)}, r"0.bias must be \[2\], not \[7\]"),
    ):
        torch.save(content, path)
        with pytest.raises(ValueError, match=message) as caught:
            load_weights(network(), str(path))
        assert len(str(caught.value)) - len(str(path)) < 200


def test_damaged_bytes_are_an_error_or_weights_and_nothing_else(tmp_path):
    """500 seeded mutations of the three formats; 12,000 were tried by hand."""
    safetensors.torch.save_file(STATE, tmp_path / "safe")
    formats = (saved(tmp_path), saved(tmp_path, _use_new_zipfile_serialization=False))
    formats += ((tmp_path / "safe").read_bytes(),)
    generator, refused, path = random.Random(0), 0, tmp_path / "x.pt"
    for _ in range(500):
        content = bytearray(generator.choice(formats))
        for _ in range(generator.choice((1, 2, 8, 40))):
            content[generator.randrange(len(content))] = generator.randrange(256)
        path.write_bytes(content[: generator.choice((None, generator.randrange(len(content))))])
        try:
            load_weights(network(), str(path))
        except ValueError:
            refused += 1
    assert 250 < refused < 500
