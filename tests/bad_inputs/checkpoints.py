"""Checkpoints: files that are none, that hold something else, or that fit another network."""

import io
import json
import pickle
import struct
import warnings
from collections.abc import Iterator

import torch

from .case import Case, Content, Promise, a_fifo, a_folder, a_link
from .foreign import FOREIGN
from .studies import NETWORK, run, text_of
from .tables import encrypted, of_compression, zipped

STATE = {
    "0.weight": torch.zeros(2, 1, 3, 3),
    "0.bias": torch.zeros(2),
    "2.weight": torch.zeros(10, 18),
    "2.bias": torch.zeros(10),
}


def saved(value, **how) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, **how)
    return file.getvalue()


def safetensors(header: object, tail: bytes = bytes(64)) -> bytes:
    """Return a file of safetensors with a header of one's own."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + tail


def tensor(shape=(2,), offsets=(0, 8), dtype="F32") -> dict:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def quantized() -> bytes:
    with warnings.catch_warnings(action="ignore"):  # that torch will leave them
        bias = torch.quantize_per_tensor(torch.zeros(10), 1.0, 0, torch.qint8)
        return saved(STATE | {"2.bias": bias})


class Evil:
    """A pickle of it makes a file called `evil` when it is read."""

    def __reduce__(self):
        return open, ("evil", "w")


GOOD = saved(STATE)
CONTENTS: dict[str, Content] = {
    "cut in the middle": GOOD[: len(GOOD) // 2],
    "cut before its last byte": GOOD[:-1],
    "cut after its first bytes": GOOD[:5],
    "of the old format, cut": saved(STATE, _use_new_zipfile_serialization=False)[:400],
    "with code": pickle.dumps({"0.weight": Evil()}),
    "with code, as torch saves it": saved({"0.weight": Evil()}),
    "of a whole network": saved(torch.nn.Linear(2, 2)),
    "of a list": saved([torch.zeros(2)]),
    "of a tensor": saved(torch.zeros(2)),
    "of a number": saved(5),
    "of None": saved(None),
    "of an empty mapping": saved({}),
    "with a key that is a number": saved(STATE | {0: torch.zeros(2)}),
    "with keys that are tuples": saved({(0, "a"): torch.zeros(2)}),
    "with a text among its tensors": saved(STATE | {"epoch": "5"}),
    "with a mapping among its tensors": saved(STATE | {"optimizer": {"lr": 1}}),
    "with a key too many": saved(STATE | {"3.weight": torch.zeros(2)}),
    "with a key too few": saved({k: v for k, v in STATE.items() if k != "2.bias"}),
    "with another shape": saved(STATE | {"0.weight": torch.zeros(2, 3, 3, 3)}),
    "with a scalar": saved(STATE | {"0.weight": torch.zeros(())}),
    "with sparse weights": saved(STATE | {"0.weight": torch.zeros(2, 1, 3, 3).to_sparse()}),
    "with quantized weights": lambda path: path.write_bytes(quantized()),
    "with weights on no device": saved(STATE | {"2.bias": torch.zeros(10, device="meta")}),
    "with complex weights": saved(STATE | {"2.bias": torch.zeros(10, dtype=torch.complex64)}),
    "with control characters in a key": saved(STATE | {"a\x1b[2J": torch.zeros(2)}),
    "with a key of 100,000 characters": saved(STATE | {"k" * 100_000: torch.zeros(2)}),
    "that wraps nothing": saved({"state_dict": {}}),
    "that wraps itself 1000 times": saved({"model": {"state_dict": {"model": {"epoch": 1}}}}),
    "that is encrypted": encrypted(GOOD),
    "of an unknown compression": of_compression(GOOD, 99),
    "of an empty archive": zipped({}),
    "of another archive": zipped({"a.txt": b"hello"}),
    "of an archive with a pickle alone": zipped({"archive/data.pkl": pickle.dumps({"a": 1})}),
    "of TorchScript": zipped({"archive/data.pkl": b"", "archive/constants.pkl": b""}),
    "of safetensors without an end": safetensors({"0.bias": tensor()})[:20],
    "of safetensors with a header of 2^60 bytes": struct.pack("<Q", 2**60) + b"{" + bytes(40),
    "of safetensors with a tensor beyond its end": safetensors(
        {"0.bias": tensor((9,), (0, 36000))}
    ),
    "of safetensors with another shape": safetensors({"0.bias": tensor((3,))}),
    "of safetensors with an unknown type": safetensors({"0.bias": tensor(dtype="X9")}),
    "of safetensors with nothing": safetensors({}, b""),
    "of safetensors with a header that is no JSON": safetensors(b"{nonsense"),
    "of safetensors with negative offsets": safetensors({"0.bias": tensor(offsets=(-8, 0))}),
    "of safetensors with a shape of 30 digits": safetensors({"0.bias": tensor((10**29,))}),
    "a folder": a_folder,
    "a FIFO": a_fifo,
    "/dev/zero": a_link("/dev/zero"),
    "/dev/null": a_link("/dev/null"),
    "a link to itself": a_link("w.pt"),
    "a link to nothing": a_link("absent"),
}


def cases() -> Iterator[Case]:
    for name, content in (CONTENTS | FOREIGN).items():
        yield run(f"a checkpoint {name}", text_of(weights="w.pt"), "w.pt", files={"w.pt": content})
    for name, weights in {
        "that is absent": "absent.pt",
        "that is a function of nobody": "net.py:absent",
        "that is a function of no file": "absent.py:nothing",
        "that is a factory": "net.py:tiny",
        "whose name has control characters": "a\x1b[2J.pt",
        "whose name has 300 letters": "w" * 300,
    }.items():
        yield run(f"weights {name}", text_of(weights=weights), "", files={"net.py": NETWORK})
    yield run(
        "weights that are nan",
        text_of(weights="w.pt"),
        "",
        promise=Promise.EITHER,
        leaves=("results*",),
        files={"w.pt": saved(STATE | {"2.bias": torch.full((10,), torch.nan)})},
    )
