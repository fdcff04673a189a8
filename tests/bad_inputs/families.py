"""Multipliers of files of one's own that are wrong, wherever such a name is taken."""

from collections.abc import Iterator

from .case import Case, Content, Promise, a_fifo, a_folder
from .foreign import FOREIGN

FAMILY = """from dataclasses import dataclass

from mbm_hw import IntegerSpec, family, integer


@family("own")
@dataclass(frozen=True, kw_only=True)
class Own(IntegerSpec):
    width: int = 4
    k: int = integer("k", 1, lambda spec: spec.width - 2, default=1)
    signed: bool = False

    def product(self, a, b):
        return a * b
"""


def with_product(line: str) -> str:
    return FAMILY.replace("return a * b", line)


FILES: dict[str, Content] = {
    "with a syntax error": "class Own(:\n",
    "that raises when it is imported": "raise RuntimeError('at import')\n",
    "that exits when it is imported": "import sys\nsys.exit(3)\n",
    "with a missing import": "import nonsense\n",
    "nested 10,000 deep": "x = " + "(" * 10_000 + ")" * 10_000 + "\n",
    "without the class": "x = 1\n",
    "whose class is a number": "Own = 5\n",
    "whose class is no family": "class Own: pass\n",
    "whose class is not decorated": FAMILY.replace('@family("own")\n', ""),
    "whose dataclass is not frozen": FAMILY.replace("frozen=True, ", ""),
    "whose name is that of another": FAMILY.replace('"own"', '"drum"'),
    "whose name is no name": FAMILY.replace('"own"', '"a b\\n"'),
    "whose range fails": FAMILY.replace("spec.width - 2", "spec.nothing"),
    "whose range is empty": FAMILY.replace("spec.width - 2", "0"),
    "that is a folder": a_folder,
    "that is a FIFO": a_fifo,
}
PRODUCTS = {
    "raises": with_product("raise KeyError('a\\x1b[2J' * 1000)"),
    "exits": with_product("raise SystemExit(0)"),
    "is of another shape": with_product("return a[:1, :1, None] + b"),
    "returns nothing": with_product("pass"),
    "divides integers by text": with_product("return a / 'b'"),
}
EXPRESSIONS = {
    "with a width too large": "Own(width=40)",
    "with an unknown parameter": "Own(j=1)",
    "with a place": "Own(4)",
    "with a call": "Own(k=print(1))",
    "with an open bracket": "Own(k=1",
    "with a star": "Own(**{})",
    "with two calls": "Own()()",
    "with a line break": "Own(\nk=1)\n",
    "of nobody": "Nobody",
    "of an identifier with a width too large": "own40",
    "of another family": "mbm8",
    "empty": "",
    "of 10,000 letters": "O" * 10_000,
}
FAILING = {"whose range fails", "whose range is empty"}
"""The files whose class is a family: `check` finds out and says what is wrong with it."""
COMMANDS = ("errors",), ("verilog",), ("check", "--widths", "4")


def cases() -> Iterator[Case]:
    for command in COMMANDS:
        for name, content in (FILES | {f"of {k}": v for k, v in FOREIGN.items()}).items():
            is_reported = command[0] == "check" and name in FAILING
            yield Case(
                name=f"{command[0]}: a file {name}",
                command=(*command, "my.py:Own"),
                files={"my.py": content},
                says="own: points: " if is_reported else "my.py",
                promise=Promise.REPORTED if is_reported else Promise.REFUSED,
            )
        for name, expression in EXPRESSIONS.items():
            yield Case(
                name=f"{command[0]}: a multiplier {name}",
                command=(*command, f"my.py:{expression}"),
                files={"my.py": FAMILY},
                says="my.py",
            )
    for name, content in PRODUCTS.items():
        for command in (("errors",), ("table", "-o", "t.npy"), ("verilog",)):
            yield Case(
                name=f"{command[0]}: a product that {name}",
                command=(*command, "my.py:Own"),
                files={"my.py": content},
            )
    yield Case(name="a file that is not there", command=("errors", "my.py:Own"), says="my.py")
