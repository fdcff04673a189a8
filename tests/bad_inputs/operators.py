"""Operators on codes: geometry, types, storage and shapes that are none."""

from collections.abc import Iterator

from .case import Case

HUGE = {
    "a negative number": "-1",
    "2**31 - 1": "2**31 - 1",
    "2**32 - 1": "2**32 - 1",
    "2**63 - 1": "2**63 - 1",
    "2**64": "2**64",
    "30 digits": "10**30",
    "a fraction": "1.5",
    "text": "'1'",
    "three numbers": "(1, 1, 1)",
    "no numbers": "()",
    "nan": "float('nan')",
    "None": "None",
}
GEOMETRY = ("stride", "padding", "dilation", "groups")
OPERATORS = {
    "conv2d": "ops.conv2d({x}, {w}, 'mbm8s'{more})",
    "float_conv2d": "ops.float_conv2d({x}, {w}, 'mbm_bf16'{more})",
}
CODES = {
    "conv2d": (
        "torch.zeros(1, 2, 5, 5, dtype=torch.int8)",
        "torch.zeros(2, 2, 3, 3, dtype=torch.int8)",
    ),
    "float_conv2d": ("torch.zeros(1, 2, 5, 5)", "torch.zeros(2, 2, 3, 3)"),
}
OPERANDS = {
    "None": "None",
    "a number": "5",
    "a list": "[[1, 2], [3, 4]]",
    "an array of NumPy": "np.zeros((2, 2), np.int8)",
    "of floats": "torch.zeros(2, 2)",
    "of int64": "torch.zeros(2, 2, dtype=torch.int64)",
    "of booleans": "torch.zeros(2, 2, dtype=torch.bool)",
    "complex": "torch.zeros(2, 2, dtype=torch.complex64)",
    "quantized": "torch.quantize_per_tensor(torch.zeros(2, 2), 1.0, 0, torch.qint8)",
    "sparse": "torch.zeros(2, 2, dtype=torch.int8).to_sparse()",
    "on no device": "torch.zeros(2, 2, dtype=torch.int8, device='meta')",
    "of no dimension": "torch.zeros((), dtype=torch.int8)",
    "of one dimension": "torch.zeros(2, dtype=torch.int8)",
    "of another length": "torch.zeros(3, 3, dtype=torch.int8)",
    "of freed storage": "free(torch.zeros(2, 2, dtype=torch.int8))",
    "of a storage that was made smaller": "cut(torch.zeros(2, 2, dtype=torch.int8))",
}
FREE = (
    "def free(t): t.untyped_storage().resize_(0); return t\n"
    "def cut(t): t.untyped_storage().resize_(3); return t\n"
)


def i8(*shape: int) -> str:
    """Return the text of codes of that shape."""
    return f"torch.zeros{shape}.to(torch.int8)"


SQUARE = "i = torch.zeros(2, 2).to(torch.int8); "
FLOATS = "i = torch.zeros(2, 2); "
MORE = {
    "matmul of 70,000 products": f"i = {i8(1, 70_000)}; ops.matmul(i, i.T, 'mbm8s')",
    "matmul of a code too small": f"{SQUARE}ops.matmul(i - 100, i, 'mbm4s')",
    "matmul of an unsigned multiplier": f"{SQUARE}ops.matmul(i, i, 'mbm8')",
    "matmul of 32 bits": f"{SQUARE}ops.matmul(i.int(), i.int(), 'mbm32s')",
    "float_matmul of an integer multiplier": f"{FLOATS}ops.float_matmul(i, i, 'mbm8s')",
    "matmul of a float multiplier": f"{SQUARE}ops.matmul(i, i, 'mbm_bf16')",
    "float_matmul of values of no format": f"{FLOATS}ops.float_matmul(i + 0.1, i, 'mbm_bf16')",
    "conv2d of groups that do not divide":
        f"ops.conv2d({i8(1, 3, 5, 5)}, {i8(2, 1, 3, 3)}, 'mbm8s', groups=2)",
    "conv2d of a kernel larger than the image":
        f"ops.conv2d({i8(1, 1, 2, 2)}, {i8(1, 1, 3, 3)}, 'mbm8s')",
    "conv2d of an image that takes no memory":
        f"i = {i8(1, 1, 1, 1)}; ops.conv2d(i.expand(1, 1, 2**31, 2**31), i, 'mbm8s')",
    "matmul of operands that take no memory":
        f"i = {i8(1, 1)}.expand(2**31, 2**31); ops.matmul(i, i, 'mbm8s')",
    "conv2d of other channels": f"ops.conv2d({i8(1, 3, 5, 5)}, {i8(2, 1, 3, 3)}, 'mbm8s')",
}  # fmt: skip
FREED = {
    "conv2d": "ops.conv2d(free({x}), {w}, 'mbm8s')",
    "conv2d's weights": "ops.conv2d({x}, free({w}), 'mbm8s')",
    "float_conv2d": "ops.float_conv2d(free({fx}), {fw}, 'mbm_bf16')",
    "float_conv2d's weights": "ops.float_conv2d({fx}, free({fw}), 'mbm_bf16')",
}


def cases() -> Iterator[Case]:
    for operator, call in OPERATORS.items():
        x, w = CODES[operator]
        for key in GEOMETRY:
            for name, value in HUGE.items():
                if (key, name) != ("stride", "2**31 - 1"):  # there is an output: the first one
                    more = f", {key}={value}"
                    yield _case(f"{operator}: {key} is {name}", call.format(x=x, w=w, more=more))
        pairs = "padding=2**31 - 1, dilation=2**32 - 1", "padding=2**62, stride=2**62"
        for more in pairs:
            yield _case(f"{operator}: {more}", call.format(x=x, w=w, more=f", {more}"))
    for name, text in OPERANDS.items():
        i = "torch.zeros(2, 2, dtype=torch.int8)"
        yield _case(f"matmul: the first operand is {name}", f"ops.matmul({text}, {i}, 'mbm8s')")
        yield _case(f"matmul: the second operand is {name}", f"ops.matmul({i}, {text}, 'mbm8s')")
    x, w, fx, fw = (*CODES["conv2d"], *CODES["float_conv2d"])
    for name, call in FREED.items():
        yield _case(f"{name} of freed storage", call.format(x=x, w=w, fx=fx, fw=fw))
    for name, call in MORE.items():
        yield _case(name, call)


def _case(name: str, call: str) -> Case:
    says = "its storage was freed or made smaller" if "storage" in name else ""
    return Case(name=name, call=FREE + call, says=says)
