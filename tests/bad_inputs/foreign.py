"""Files that are something else than what their names say."""

import io
import pickle

from PIL import Image


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "png")
    return file.getvalue()


FOREIGN = {
    "empty": b"",
    "one zero byte": b"\0",
    "a git-lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:"
    + b"0" * 64
    + b"\nsize 123456\n",
    "a web page": b"<!DOCTYPE html>\n<html><body>404: Not Found</body></html>\n",
    "a picture": _png(),
    "a pickle": pickle.dumps({"a": 1}),
    "a pickle of code": b"cos\nsystem\n(S'touch evil'\ntR.",
    "a gzip archive": b"\x1f\x8b\x08\x00" + bytes(30),
    "a megabyte of zeros": bytes(2**20),
    "a text": b"hello, world\n",
    "bytes of no kind": bytes(range(256)) * 16,
}
