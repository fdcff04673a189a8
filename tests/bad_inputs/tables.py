"""Product tables: files that are cut short, damaged, of another kind, or of no multiplier."""

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from .case import Case, Content, Promise, a_fifo, a_folder, a_link
from .foreign import FOREIGN

SIDE = 16
PRODUCTS = np.multiply.outer(np.arange(SIDE), np.arange(SIDE))


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy_header(text: str, version=(1, 0)) -> bytes:
    """Return an array's file with a header of one's own, and a few bytes after it."""
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text) + 1)
    return b"\x93NUMPY" + bytes(version) + length + text.encode("latin-1") + b"\n" + bytes(64)


def csv(rows, header: str = "a,b,product") -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


ROWS = [(a, b, a * b) for a in range(SIDE) for b in range(SIDE)]


def zipped(members: Mapping[str, bytes], **changes) -> bytes:
    """Return a zip archive; `changes` are set in each member's header."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def of_a_gigabyte() -> bytes:
    """Return an archive of 2 MB with an array of 2 GiB."""
    file = io.BytesIO()
    header = npy_header(shaped("(16384, 16384)"))
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w", force_zip64=True) as member,
    ):
        member.write(header[:-64])
        for _ in range(256):
            member.write(bytes(2**23))
    return file.getvalue()


def of_holes(path: Path) -> None:
    """Make a file of 2 GiB: a table, then zeros that take no room on the disk."""
    path.write_bytes(npy(PRODUCTS) if path.suffix == ".npy" else csv(ROWS).encode())
    os.truncate(path, 2**31)


def encrypted(archive: bytes) -> bytes:
    """Return the archive with the flag of encryption in all its headers."""
    changed = bytearray(archive)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(signature)
        while start >= 0:
            changed[start + offset] |= 1
            start = changed.find(signature, start + 4)
    return bytes(changed)


def of_compression(archive: bytes, method: int) -> bytes:
    changed = bytearray(archive)
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = changed.find(signature)
        changed[start + offset : start + offset + 2] = struct.pack("<H", method)
    return bytes(changed)


ARRAYS = {
    "of one dimension": PRODUCTS.ravel(),
    "of three dimensions": PRODUCTS[None],
    "of no dimension": np.int64(5),
    "of no entries": np.zeros((0, 0), np.int64),
    "of one entry": np.zeros((1, 1), np.int64),
    "of 2 x 2": PRODUCTS[:2, :2],
    "of 16 x 8": PRODUCTS[:, :8],
    "of 17 x 17": np.zeros((17, 17), np.int64),
    "of 1000 x 1000": np.zeros((1000, 1000), np.int8),
    "of 8192 x 8192": np.zeros((8192, 8192), np.int8),
    "of fractions": PRODUCTS + 0.5,
    "of nan": np.full((SIDE, SIDE), np.nan),
    "of complex numbers": PRODUCTS + 1j,
    "of booleans": PRODUCTS > 5,
    "of texts": PRODUCTS.astype(str),
    "of dates": PRODUCTS.astype("M8[s]"),
    "of durations": PRODUCTS.astype("m8[s]"),
    "of records": np.zeros((SIDE, SIDE), [("a", "i4"), ("b", "i4")]),
    "of objects": PRODUCTS.astype(object),
    "of raw bytes": np.zeros((SIDE, SIDE), "V4"),
    "with a product too large": PRODUCTS + 2**8,
    "with a negative product": PRODUCTS - 1,
    "with the largest integers": np.full((SIDE, SIDE), 2**63, np.uint64),
    "with the smallest integers": np.full((SIDE, SIDE), -(2**63), np.int64),
}


def shaped(shape: str) -> str:
    return f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}"


HEADERS = {
    "that claims 8 TB": shaped("(1048576, 1048576)"),
    "with a negative shape": shaped("(-1, 16)"),
    "with a shape of text": shaped("('16', 16)"),
    "with a shape of 30 digits": shaped(f"({'9' * 30}, 1)"),
    "with no shape": "{'descr': '<i8', 'fortran_order': False, }",
    "of an unknown type": "{'descr': '<q9', 'fortran_order': False, 'shape': (16, 16), }",
    "of code": "__import__('os').system('touch evil')",
    "nested deeply": "(" * 5000,
    "of zeros": "\0" * 100,
    "that is open": "{'descr': (\n",
    "with an order of text": "{'descr': '<i8', 'fortran_order': 'no', 'shape': (16, 16), }",
}
TEXTS = {
    "without a header": csv(ROWS[1:], "0,0,0"),
    "without rows": "a,b,product\n",
    "of one line without its end": "a,b,product",
    "without a pair": csv(ROWS[:-1]),
    "with a pair twice": csv([*ROWS[:-1], ROWS[0]]),
    "with another header": csv(ROWS, "x,y,z"),
    "with a column twice": csv(ROWS, "a,a,product"),
    "with four columns": csv([(*row, 1) for row in ROWS], "a,b,product,c"),
    "with four columns in one row": csv([*ROWS[:-1], (*ROWS[-1], 1)]),
    "with two columns in one row": csv([*ROWS[:-1], (15, 15)]),
    "with semicolons": csv(ROWS).replace(",", ";"),
    "with tabs": csv(ROWS).replace(",", "\t"),
    "with a fraction": csv([*ROWS[:-1], (15, 15, 225.5)]),
    "with an exponent": csv([*ROWS[:-1], (15, 15, "2e2")]),
    "with a word": csv([*ROWS[:-1], (15, 15, "many")]),
    "with an empty cell": csv([*ROWS[:-1], (15, 15, "")]),
    "with 30 digits": csv([*ROWS[:-1], (15, 15, "9" * 30)]),
    "with Arabic digits": csv([*ROWS[:-1], (15, 15, "\u0661")]),
    "with hexadecimal digits": csv([*ROWS[:-1], (15, 15, "0xe1")]),
    "with nan": csv([*ROWS[:-1], (15, 15, "nan")]),
    "with a comment": csv([*ROWS[:-1], (15, 15, "225 # fine")]),
    "with a formula": csv([*ROWS[:-1], (15, 15, "=15*15")]),
    "with a zero byte": csv([*ROWS[:-1], (15, 15, "22\x005")]),
    "with a negative operand": csv([*ROWS[:-1], (-1, 15, 225)]),
    "with an operand of 5 bits": csv([*ROWS[:-1], (16, 15, 225)]),
    "with a negative product": csv([*ROWS[:-1], (15, 15, -1)]),
    "with a product of 9 bits": csv([*ROWS[:-1], (15, 15, 256)]),
    "with an open quote": csv([*ROWS[:-1], ('"15', 15, 225)]),
    "in UTF-16": csv(ROWS).encode("utf-16"),
    "with bytes that are no UTF-8": b"a,b,product\n\xff\xfe,0,0\n",
    "with one line of a megabyte": "a,b,product\n" + "1," * 500_000,
    "with a header of a megabyte": "a," * 500_000,
    "with control characters": "a,b,product\n\x1b[31m,0,0\n",
    "of JSON": '{"a": [0], "b": [0], "product": [0]}',
    "of quotes": '"' * 1000,
}
TOO_LARGE = {
    "t.npz that grows to 2 GiB": ("t.npz", lambda path: path.write_bytes(of_a_gigabyte())),
    "t.npy of 2 GiB": ("t.npy", of_holes),
    "t.csv of 2 GiB": ("t.csv", of_holes),
}
FINE = {
    "t.csv with a mark of byte order": ("t.csv", csv(ROWS).encode("utf-8-sig")),
    "t.csv with the lines of DOS": ("t.csv", csv(ROWS).replace("\n", "\r\n")),
    "t.npy in big-endian order": ("t.npy", npy(PRODUCTS.astype(">i8"))),
    "t.npy in Fortran's order": ("t.npy", npy(np.asfortranarray(PRODUCTS))),
}


def files() -> Iterator[tuple[str, str, Content]]:
    """Yield what is wrong, the file's name, and its content."""
    good = {"t.npy": npy(PRODUCTS), "t.npz": npz(a=PRODUCTS), "t.csv": csv(ROWS).encode()}
    for file, content in good.items():
        for share in (0.001, 0.1, 0.5, 0.99):
            yield f"{file} that ends at {share:.1%}", file, content[: int(share * len(content)) + 1]
        for name, other in FOREIGN.items():
            yield f"{file} that is {name}", file, other
        for name, other in good.items():
            if name != file:
                yield f"{file} that is a {name}", file, other
        yield f"{file} that is a folder", file, a_folder
        yield f"{file} that is a FIFO", file, a_fifo
        yield f"{file} that is /dev/zero", file, a_link("/dev/zero")
        yield f"{file} that is /dev/null", file, a_link("/dev/null")
        yield f"{file} that is a link to itself", file, a_link(file)
        yield f"{file} that is a link to nothing", file, a_link("absent")
    for name in ("t.NPY", "t.txt", "t.xlsx", "t.", "t.npy.gz", ".npy", "t.csv "):
        yield f"a name {name!r}", name, good["t.npy"]
    for name, array in ARRAYS.items():
        yield f"t.npy {name}", "t.npy", npy(array)
    for name, header in HEADERS.items():
        yield f"t.npy with a header {name}", "t.npy", npy_header(header)
    yield "t.npy of version 9", "t.npy", npy_header(HEADERS["with no shape"], (9, 9))
    for name, text in TEXTS.items():
        yield f"t.csv {name}", "t.csv", text
    yield "t.npz of no arrays", "t.npz", zipped({})
    yield "t.npz of two arrays", "t.npz", npz(a=PRODUCTS, b=PRODUCTS)
    yield "t.npz of a text", "t.npz", zipped({"a.txt": b"hello"})
    yield "t.npz of a pickle", "t.npz", zipped({"a.npy": pickle.dumps([1])})
    yield "t.npz that is encrypted", "t.npz", encrypted(npz(a=PRODUCTS))
    yield "t.npz of an unknown compression", "t.npz", of_compression(npz(a=PRODUCTS), 99)
    yield (
        "t.npz with an array that claims 8 TB",
        "t.npz",
        zipped({"a.npy": npy_header(HEADERS["that claims 8 TB"])}),
    )
    yield "t.npz with a path as its name", "t.npz", zipped({"../../evil.npy": npy(PRODUCTS + 1000)})


def cases() -> Iterator[Case]:
    for name, file, content in files():
        says = "" if not file.isprintable() else file
        yield Case(
            name=f"errors: {name}",
            command=("errors", f"./{file}"),
            files={file: content},
            says=says,
        )
    for name, (file, content) in TOO_LARGE.items():
        yield Case(
            name=f"errors: {name}",
            command=("errors", file),
            files={file: content},
            says=f"{file}: a product table takes at most 1073741824 bytes, not 2147483",
        )
    for name, (file, content) in FINE.items():
        yield Case(
            name=f"errors: {name}",
            command=("errors", file),
            files={file: content},
            promise=Promise.WORKS,
        )
    bad = {"t.csv": csv(ROWS[:-1])}
    for words in (
        ("table", "t.csv", "-o", "u.npy"),
        ("verilog", "t.csv", "-o", "u.v"),
        ("errors", "mbm8", "--against", "t.csv"),
        ("errors", "t.csv", "--signed", "--sign-magnitude"),
    ):
        yield Case(name=" ".join(words), command=words, files=bad, says="t.csv")
    yield Case(
        name="sim.layer with a bad table",
        program="sim.layer",
        command=("--spec", "t.csv"),
        files=bad,
        says="t.csv",
    )
