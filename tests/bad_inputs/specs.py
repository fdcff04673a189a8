"""Specs made by the API: every field of every family with values that are none of it."""

from collections.abc import Iterator

from .case import Case

WRONG = {
    "None": "None",
    "text": "'8'",
    "an empty text": "''",
    "a fraction": "8.5",
    "a float": "8.0",
    "nan": "float('nan')",
    "infinity": "float('inf')",
    "a negative number": "-1",
    "30 digits": "10**30",
    "5000 digits": "10**5000",
    "a list": "[8]",
    "bytes": "b'8'",
    "a complex number": "8j",
    "an array": "np.array([8, 9])",
    "a type": "int",
    "a tensor": "torch.tensor([8, 9])",
}
INTEGERS = {
    "MBM": ("width", "truncation"),
    "Mitchell": ("width", "truncation"),
    "Exact": ("width",),
    "FloatMBM": ("exponent_bits", "mantissa_bits", "truncation"),
    "FloatMitchell": ("exponent_bits", "mantissa_bits", "truncation"),
    "FloatExact": ("exponent_bits", "mantissa_bits"),
}
FLAGS = {"MBM": "signed", "Exact": "signed", "FloatMBM": "force_lsb"}
NO_FLAGS = ("None", "text", "a fraction", "a list", "an array", "30 digits", "nan", "a type")
FORMAT = {"exponent_bits": "8", "mantissa_bits": "7"}
ARRAYS = {
    "None": "None",
    "text": "'t.csv'",
    "a number": "5",
    "a list of lists of texts": "[['0'] * 16] * 16",
    "lists of different lengths": "[[0], [0, 1]]",
    "of one dimension": "np.zeros(256, int)",
    "of three dimensions": "np.zeros((16, 16, 16), int)",
    "of other sides": "np.zeros((16, 32), int)",
    "of a side that is no power of two": "np.zeros((20, 20), int)",
    "of fractions": "np.full((16, 16), 0.5)",
    "of nan": "np.full((16, 16), np.nan)",
    "of complex numbers": "np.zeros((16, 16), complex)",
    "of objects": "np.zeros((16, 16), object)",
    "of dates": "np.zeros((16, 16), 'M8[s]')",
    "of booleans": "np.zeros((16, 16), bool)",
    "of products too large": "np.full((16, 16), 256)",
    "of negative products": "np.full((16, 16), -1)",
    "of 64 bits": "np.full((16, 16), 2**64 - 1, np.uint64)",
    "of no entries": "np.zeros((0, 0), int)",
    "of one entry": "np.zeros((1, 1), int)",
    "of 13 bits, that takes no memory": "np.broadcast_to(np.int64(0), (8192, 8192))",
    "of 30 bits, that takes no memory": "np.broadcast_to(np.int64(0), (2**30, 2**30))",
    "a tensor on no device": "torch.zeros(16, 16, device='meta', dtype=torch.int64)",
    "a sparse tensor": "torch.zeros(16, 16, dtype=torch.int64).to_sparse()",
    "a function": "print",
    "a mapping": "{(0, 0): 0}",
}


def cases() -> Iterator[Case]:
    for family, fields in INTEGERS.items():
        for field in fields:
            for name, text in WRONG.items():
                others = FORMAT if family.startswith("Float") else {"width": "8"}
                arguments = ", ".join(f"{k}={v}" for k, v in (others | {field: text}).items())
                yield Case(
                    name=f"{family}: {field} is {name}",
                    call=f"mh.{family}({arguments})",
                    says=field,
                )
        yield Case(name=f"{family}: an unknown field", call=f"mh.{family}(nonsense=1)")
    for family, flag in FLAGS.items():
        others = "8, 7, " if family.startswith("Float") else "8, "
        for name in NO_FLAGS:
            call = f"mh.{family}({others}{flag}={WRONG[name]})"
            yield Case(name=f"{family}: {flag} is {name}", call=call, says=flag)
    for name, text in ARRAYS.items():
        yield Case(name=f"Table: an array {name}", call=f"mh.Table({text})")
    for flag in ("signed", "sign_magnitude"):
        for name in ("None", "text", "a list", "a fraction"):
            yield Case(
                name=f"Table: {flag} is {name}",
                call=f"mh.Table(np.zeros((16, 16), int), {flag}={WRONG[name]})",
                says=flag,
            )
