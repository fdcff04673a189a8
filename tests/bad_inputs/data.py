"""Data of studies: every kind's fields with values that are none of theirs, and bad files."""

import io
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image

from .case import Case, Content, a_folder, a_link
from .foreign import FOREIGN
from .tables import HEADERS, encrypted, npy, npy_header, npz, of_compression, zipped

KINDS = {
    "digits": {"seed": 0, "images": 1, "calibration_images": 1},
    "generated_rooms": {"seed": 0, "images": 1, "calibration_images": 1, "size": [24, 32]},
    "cifar10": {"folder": "d", "images": 1, "calibration_images": 1},
    "imagenet_sample": {"folder": "d", "images": 1, "calibration_images": 1},
    "rgbd_folder": {
        "folder": "d",
        "first": 0,
        "last": 0,
        "size": [24, 32],
        "calibration_images": 1,
    },
    "nyu_depth": {"archive": "nyu.zip", "images": 1, "calibration_images": 1},
}
WRONG = {
    "None": None,
    "True": True,
    "a fraction": 1.5,
    "a negative number": -(10**6),
    "30 digits": 10**30,
    "a word": "nonsense",
    "an empty text": "",
    "a list": [],
    "a list of texts": ["a", "b"],
    "a zero byte": "a\0b",
}
LEGAL = {("folder", "a word"), ("archive", "a word")}  # they say that the file is absent
SIZES = {
    "of one number": [24],
    "of three numbers": [24, 32, 3],
    "of zeros": [0, 0],
    "of fractions": [24.5, 32],
    "of 30 digits": [10**30, 1],
    "of 10^5 by 10^5": [10**5, 10**5],
    "in text": "24x32",
}
LOAD = "d = load_data({}); d[0]; d.calibration"


def image(kind: str, mode: str = "RGB", size=(32, 24)) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


def bomb(kind: str = "png") -> bytes:
    """Return a small picture of 400 million pixels."""
    return image(kind, "1", (20_000, 20_000))


X, Y = np.zeros((4, 32, 32, 3), np.uint8), np.arange(4)
CIFAR = {"d/test.npz": npz(x=X, y=Y), "d/train.npz": npz(x=X, y=Y)}
IMAGENET = {
    "d/labels.csv": "file,tf_class_1_1000\na.jpg,1\nb.jpg,2\n",
    "d/images/a.jpg": image("jpeg"),
    "d/images/b.jpg": image("jpeg"),
}
RGBD = {
    f"d/frame-00000{i}.{part}": content
    for i in (0, 1)
    for part, content in (("color.jpg", image("jpeg")), ("depth.png", image("png", "I;16")))
}
PARTS = {
    "eigen_test_rgb.npy": npy(np.zeros((2, 480, 640, 3), np.uint8)),
    "eigen_test_depth.npy": npy(np.ones((2, 480, 640), np.float32)),
    "eigen_test_crop.npy": npy(np.array([20, 459, 24, 615])),
}
GOOD: Mapping[str, Mapping[str, Content]] = {
    "cifar10": CIFAR,
    "imagenet_sample": IMAGENET,
    "rgbd_folder": RGBD,
    "nyu_depth": {"nyu.zip": zipped(PARTS)},
}
VICTIMS = {  # the file of each kind that is replaced by another
    "cifar10": ("d/test.npz", "d/train.npz"),
    "imagenet_sample": ("d/labels.csv", "d/images/a.jpg", "d/images/b.jpg"),
    "rgbd_folder": ("d/frame-000000.color.jpg", "d/frame-000000.depth.png"),
    "nyu_depth": ("nyu.zip",),
}


def load(kind: str, name: str, changed: Mapping[str, Content] = {}, says: str = "", **fields):
    """Return the case of data of a kind, some of its files and fields changed."""
    description = {"kind": kind} | KINDS[kind] | fields
    files = {**GOOD.get(kind, {}), **changed}
    return Case(
        name=f"{kind}: {name}",
        call=LOAD.format(repr(description)),
        files={path: content for path, content in files.items() if content is not None},
        says=says,
        raises=(ValueError, OSError),
    )


def cases() -> Iterator[Case]:
    for kind, fields in KINDS.items():
        for field in fields:
            for name, value in WRONG.items():
                if (field, name) not in LEGAL:
                    yield load(kind, f"{field} is {name}", says=field, **{field: value})
            yield _without(kind, field)
        yield load(kind, "an unknown field", says="nonsense", nonsense=1)
    for kind in ("generated_rooms", "rgbd_folder"):
        for name, size in SIZES.items():
            yield load(kind, f"a size {name}", says="size", size=size)
    for kind, victims in VICTIMS.items():
        for victim in victims:
            says = victim.rsplit("/", 1)[-1]
            content = GOOD[kind][victim]
            content = content.encode() if isinstance(content, str) else content
            for name, other in (FOREIGN | {"absent": None, "a folder": a_folder}).items():
                if name == "a picture" and victim.endswith("jpg"):
                    continue  # Pillow reads it by its content
                said = "" if name == "absent" else says  # the folder is named
                yield load(kind, f"{victim} is {name}", {victim: other}, said)
            yield load(kind, f"{victim} is a link to itself", {victim: a_link(says)}, says)
            if not victim.endswith("csv"):
                half = {victim: content[: len(content) // 2]}
                yield load(kind, f"{victim} ends in the middle", half, says)
    yield from arrays()
    yield from pictures()
    yield from archives()


def _without(kind: str, field: str) -> Case:
    rest = {key: value for key, value in KINDS[kind].items() if key != field}
    is_needed = field not in ("calibration_images", "size") or kind == "rgbd_folder" == field
    call = LOAD.format(repr({"kind": kind} | rest))
    if not is_needed:
        call = LOAD.format(repr({"kind": kind.upper()} | rest))
    return Case(name=f"{kind}: without {field}, or in capitals", call=call, says="data")


def arrays() -> Iterator[Case]:
    victim, says = "d/test.npz", "test.npz"
    for name, content in {
        "has no x": npz(y=Y),
        "has no y": npz(x=X),
        "has fewer y than x": npz(x=X, y=Y[:0]),
        "has fractions as x": npz(x=X + 0.5, y=Y),
        "has x of three dimensions": npz(x=X[0], y=Y),
        "has x of another size": npz(x=X[:, :16], y=Y),
        "has x channels first": npz(x=X.transpose(0, 3, 1, 2), y=Y),
        "has x of objects": npz(x=X.astype(object), y=Y),
        "has y of fractions": npz(x=X, y=Y + 0.5),
        "has y of texts": npz(x=X, y=Y.astype(str)),
        "has y of two dimensions": npz(x=X, y=Y[:, None]),
        "has no images": npz(x=X[:0], y=Y[:0]),
        "is encrypted": encrypted(npz(x=X, y=Y)),
        "has an unknown compression": of_compression(npz(x=X, y=Y), 99),
        "claims 8 TB": zipped({"x.npy": npy_header(HEADERS["that claims 8 TB"]), "y.npy": npy(Y)}),
        "is an empty archive": zipped({}),
        "is another array": npy(X),
    }.items():
        yield load("cifar10", f"{victim} {name}", {victim: content}, _said(name, says))
    yield load("cifar10", "two test files", {"d/test2.npz": CIFAR[victim]}, "test")
    yield load("cifar10", "a folder that is a file", {"f": b""}, "f", folder="f")


def _said(name: str, file: str) -> str:
    return "images" if name in ("has no images", "has fewer y than x") else file


def pictures() -> Iterator[Case]:
    for name, labels in {
        "an absent picture": "file,tf_class_1_1000\nx.jpg,1\nb.jpg,2\n",
        "a label that is a word": "file,tf_class_1_1000\na.jpg,cat\nb.jpg,2\n",
        "a label of 30 digits": f"file,tf_class_1_1000\na.jpg,{'9' * 30}\nb.jpg,2\n",
        "a label in Arabic digits": "file,tf_class_1_1000\na.jpg,\u0661\nb.jpg,2\n",
        "no label": "file,tf_class_1_1000\na.jpg\nb.jpg,2\n",
        "other columns": "name,class\na.jpg,1\nb.jpg,2\n",
        "no rows": "file,tf_class_1_1000\n",
        "zero bytes": b"file,tf_class_1_1000\na\0.jpg,1\nb.jpg,2\n",
        "a path above": "file,tf_class_1_1000\n../../../etc/passwd,1\nb.jpg,2\n",
        "a cell of a megabyte": "file,tf_class_1_1000\n" + "a" * 10**6 + ",1\nb.jpg,2\n",
        "Latin-1": b"file,tf_class_1_1000\n\xe9.jpg,1\nb.jpg,2\n",
    }.items():
        yield load("imagenet_sample", f"labels with {name}", {"d/labels.csv": labels})
    for kind, victim in (
        ("imagenet_sample", "d/images/a.jpg"),
        ("rgbd_folder", "d/frame-000000.color.jpg"),
        ("rgbd_folder", "d/frame-000000.depth.png"),
    ):
        says = victim.rsplit("/", 1)[-1]
        yield load(
            kind,
            f"{victim} of 400 million pixels",
            {victim: lambda path: path.write_bytes(bomb())},
            says,
        )
    for name, content in {
        "of 8 bits": image("png", "L"),
        "in colour": image("png"),
        "that is a JPEG": image("jpeg", "L"),
    }.items():
        victim = "d/frame-000000.depth.png"
        yield load("rgbd_folder", f"depths {name}", {victim: content}, victim[2:])
    yield load(
        "rgbd_folder", "a frame without a number", {"d/frame-x.color.jpg": image("jpeg")}, "frame-x"
    )
    yield load(
        "rgbd_folder",
        "a frame in Arabic digits",
        {"d/frame-00000\u0661.color.jpg": image("jpeg")},
        "frame-",
    )
    yield load("rgbd_folder", "no frames", dict.fromkeys(RGBD) | {"d/a.txt": b""}, "d")
    yield load("rgbd_folder", "last before first", says="frames", first=5, last=2)


def archives() -> Iterator[Case]:
    def changed(**parts):
        return {"nyu.zip": zipped({k: v for k, v in (PARTS | parts).items() if v is not None})}

    for part in PARTS:
        for name, content in {
            "absent": None,
            "empty": b"",
            "a text": b"hello",
            "cut short": PARTS[part][: min(150, len(PARTS[part]))],
            "of one dimension": npy(np.zeros(5)),
            "of no dimension": npy(np.float64(5)),
            "of complex numbers": npy(np.zeros((2, 480, 640), complex)),
            "of objects": npy(np.zeros(2, object)),
            "a header that claims 8 TB": npy_header(HEADERS["that claims 8 TB"]),
            "a header of code": npy_header(HEADERS["of code"]),
            "a header of version 9": npy_header(HEADERS["with no shape"], (9, 9)),
            "a header with a negative shape": npy_header(HEADERS["with a negative shape"]),
        }.items():
            yield load("nyu_depth", f"{part} is {name}", changed(**{part: content}), part)
    crop = "eigen_test_crop.npy"
    for name, content in {
        "of 20 million numbers": npy(np.zeros(20_000_000, np.uint8)),
        "of other numbers": npy(np.array([0, 479, 0, 639])),
        "of nan": npy(np.full(4, np.nan)),
        "of three numbers": npy(np.array([20, 459, 24])),
    }.items():
        yield load("nyu_depth", f"a crop {name}", changed(**{crop: content}), crop)
    yield load(
        "nyu_depth", "an encrypted archive", {"nyu.zip": encrypted(zipped(PARTS))}, "nyu.zip"
    )
    yield load(
        "nyu_depth",
        "an archive of an unknown compression",
        {"nyu.zip": of_compression(zipped(PARTS), 99)},
        "nyu.zip",
    )
    yield load("nyu_depth", "a folder without arrays", {"nyu.zip": a_folder}, "nyu.zip")
