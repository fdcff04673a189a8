"""Networks, and other code of a study's, that cannot be run, or that do what no study can use."""

from collections.abc import Iterator

from .case import Case, Content, a_fifo, a_folder, a_link
from .foreign import FOREIGN
from .studies import STUDY, run, text_of

HEAD = "import torch\nfrom torch import nn\n\n"


def factory(body: str, arguments: str = "") -> str:
    return f"{HEAD}def tiny({arguments}) -> nn.Module:\n    {body}\n"


def forward(body: str) -> str:
    """Return a file with the network whose forward ends with `body`, given logits `y`."""
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(1, 2, 3, stride=2)\n        self.f = nn.Linear(18, 10)\n\n"
        "    def forward(self, x):\n        y = self.f(self.c(x).flatten(1))\n"
        f"        {body}\n\n\ndef tiny() -> nn.Module:\n    return Net()\n"
    )


FILES: dict[str, Content] = {
    "with a syntax error": "def tiny(:\n",
    "with an open text": 'def tiny(): """\n',
    "with a missing import": "import nonsense\n",
    "that raises when it is imported": "raise RuntimeError('at import')\n",
    "that exits when it is imported": "import sys\nsys.exit(3)\n",
    "that exits with 0 when it is imported": "import sys\nsys.exit()\n",
    "that imports itself": "import net\nnet.tiny\n",
    "with zero bytes": b"def tiny():\n    return '\0'\n",
    "in Latin-1": "# \u00e9\n".encode("latin-1") + b"x = 1\n",
    "with an unknown encoding": "# coding: nonsense\n",
    "nested 10,000 deep": "x = " + "(" * 10_000 + ")" * 10_000 + "\n",
    "without the function": "x = 1\n",
    "whose function is a number": "tiny = 5\n",
    "whose factory raises": factory("raise KeyError('a\\x1b[2J' * 1000)"),
    "whose factory raises without a word": factory("raise RuntimeError"),
    "whose factory exits": factory("raise SystemExit(0)"),
    "whose factory runs out of memory": factory("return torch.zeros(2**60)"),
    "whose factory recurses for ever": factory("return tiny()"),
    "whose factory returns None": factory("pass"),
    "whose factory returns a class": factory("return nn.ReLU"),
    "whose factory returns a list": factory("return [nn.ReLU()]"),
    "whose factory returns a tensor": factory("return torch.zeros(2)"),
    "whose factory needs arguments": factory("return nn.ReLU()", "classes"),
    "whose factory is a generator": factory("yield nn.ReLU()"),
    "whose factory raises an error of many lines": factory("raise ValueError('a\\nb\\r\\nc')"),
    "whose factory raises an error of a megabyte": factory("raise ValueError('a' * 10**6)"),
    "whose factory raises a strange error": HEAD
    + "class E(Exception):\n    def __str__(self):\n        raise ValueError('no text')\n\n"
    + "def tiny() -> nn.Module:\n    raise E\n",
    "without layers": factory("return nn.Flatten()"),
    "without layers that can be approximate": factory("return nn.LSTM(8, 8)"),
    "of three channels": factory("return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten())"),
    "with a kernel larger than the image": factory("return nn.Sequential(nn.Conv2d(1, 2, 30))"),
    "of lazy layers": factory("return nn.Sequential(nn.LazyConv2d(2, 3), nn.Flatten())"),
    "on no device": factory(
        "return nn.Sequential(nn.Conv2d(1, 2, 3, device='meta'), nn.Flatten())"
    ),
    "of double precision": factory(
        "return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()).double()"
    ),
    "whose forward raises": forward("raise IndexError('in forward')"),
    "whose forward exits": forward("raise SystemExit(4)"),
    "whose forward returns None": forward("return None"),
    "whose forward returns a mapping": forward("return {'a': 1}"),
    "whose forward returns a text": forward("return 'y'"),
    "whose forward returns one number": forward("return y.sum()"),
    "whose forward returns images": forward("return x"),
    "whose forward returns a row too few": forward("return y[:0]"),
    "of three classes": forward("return y[:, :0]"),
    "whose forward skips its layers": forward("return torch.zeros(len(x), 10)").replace(
        "y = self.f(self.c(x).flatten(1))", "pass"
    ),
    "whose forward returns complex numbers": forward("return y * 1j"),
    "whose forward returns integers": forward("return y.long()"),
}
SPECIAL = {
    "a folder": a_folder,
    "a FIFO": a_fifo,
    "a link to itself": a_link("net.py"),
    "a link to nothing": a_link("absent"),
    "/dev/null": a_link("/dev/null"),
}
UNNAMED = {  # the message is about its layers, its images or its memory
    *("whose factory runs out of memory", "without layers", "of lazy layers", "on no device"),
    *(name for name in FILES if name.startswith(("whose forward returns", "whose forward skips"))),
    "of three classes",
}
NAMES = {
    "of nobody": "absent",
    "of a file that is absent": "absent.py:tiny",
    "without a function": "net.py:",
    "without a file": ":tiny",
    "of two colons": "net.py:a:tiny",
    "of a method of text": "net.py:tiny.__call__",
    "of a private name": "net.py:__import__",
    "of a module": "net.py:nn",
    "of a path that is long": f"{'a/' * 3000}net.py:tiny",
    "of a name that is long": f"net.py:{'t' * 100_000}",
    "with control characters": "a\x1b[2J.py:b",
    "with a line break": "net.py:ti\nny",
}


def cases() -> Iterator[Case]:
    for name, content in (FILES | SPECIAL | FOREIGN).items():
        says = "" if name in UNNAMED else "net.py"
        yield run(f"a network {name}", text_of(), says, files={"net.py": content})
    for name, network in NAMES.items():
        yield run(f"a network's name {name}", text_of(network=network), says="")
        if "long" not in name:
            yield Case(name=f"ops: a network's name {name}", command=("ops", network), files=STUDY)
    for name in (
        "with a syntax error",
        "whose factory raises",
        "whose factory returns None",
        "whose forward raises",
        "that exits when it is imported",
        "without layers",
        "whose forward exits",
        "of lazy layers",
    ):
        yield Case(
            name=f"ops: a network {name}",
            command=("ops", "net.py:tiny", "--input", "8x8"),
            files={"net.py": FILES[name]},
            says="net.py",
        )
    broken = {"models/bad.py": "def x(:\n", "models/worse.py": b"\xff\0", "models/f.py": a_folder}
    yield run(
        "a name of nobody beside broken files", text_of(network="absent"), "absent", files=broken
    )
    weights = {
        "raise": "raise KeyError(5)",
        "exit": "raise SystemExit(0)",
        "delete a layer": "del network[0]",
        "set nan": "network[0].weight.data.fill_(float('nan'))",
        "set another shape": "network[0].weight = nn.Parameter(torch.zeros(3, 3, 3, 3))",
    }
    for name, body in weights.items():
        text = STUDY["net.py"] + f"\n\ndef bad(network, data):\n    import torch\n    {body}\n"
        if name != "set nan":
            yield run(
                f"weights that {name}", text_of(weights="net.py:bad"), "", files={"net.py": text}
            )
