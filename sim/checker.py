"""What the tests inside the simulator share: the operand pairs, and the account of the products.

The runner writes `vectors.json` and reads `outcome.jsonl`, both in the folder SIM_FOLDER.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from cocotb.types import LogicArray

SHOWN = 5  # mismatches reported in full by each test


@dataclass(frozen=True)
class Vectors:
    """Operand pairs and expected products, as patterns, of the design that is simulated.

    controls : the other inputs that go with each pair, by port; only a replay gives them.
    """

    design: str
    pipeline: int
    width: int
    product_width: int
    notation: str  # of patterns in messages: unsigned, signed or hexadecimal
    cleared: int  # the product of registers that were reset
    seed: int
    a: list[int]
    b: list[int]
    expected: list[int]
    controls: list[dict[str, int]] = ()

    def write(self, folder: Path):
        (folder / "vectors.json").write_text(json.dumps(vars(self)))

    @classmethod
    def read(cls) -> "Vectors":
        """Return the vectors that the runner wrote for this simulation."""
        return cls(**json.loads((Path(os.environ["SIM_FOLDER"]) / "vectors.json").read_text()))

    @property
    def pairs(self) -> list[tuple[int, int, int]]:
        """The operands a and b, and the product expected of them."""
        return list(zip(self.a, self.b, self.expected, strict=True))

    def shown(self, pattern: int, width: int) -> str:
        """Return what a pattern of `width` bits stands for, as text."""
        return shown(pattern, width, self.notation)


def shown(pattern: int, width: int, notation: str) -> str:
    """Return what a pattern of `width` bits stands for, as text."""
    if notation == "hexadecimal":
        return f"0x{pattern:0{-(-width // 4)}x}"
    sign = (notation == "signed") << (width - 1)
    return str(pattern - ((pattern & sign) << 1))


class Checker:
    """Compares products with the expected ones, and writes its account when it is left.

    products : how many have been checked. mismatches : how many of them were wrong; an assertion
    that ends the test counts as one. bins : the cases of the protocol that the test has seen.
    """

    def __init__(self, vectors: Vectors, test: str):
        self.vectors = vectors
        self.test = test
        self.products = 0
        self.mismatches = 0
        self.messages = []
        self.bins = set()

    def __enter__(self) -> "Checker":
        return self

    def check(self, a: int, b: int, product: LogicArray, expected: int):
        """Count the product of the patterns a and b; keep the first wrong ones' messages."""
        self.products += 1
        try:
            actual = product.to_unsigned()
        except ValueError:  # X or Z in it
            actual = None
        if actual == expected:
            return
        self.mismatches += 1
        if len(self.messages) < SHOWN:
            vectors = self.vectors
            a, b = vectors.shown(a, vectors.width), vectors.shown(b, vectors.width)
            width = vectors.product_width
            given = str(product) if actual is None else vectors.shown(actual, width)
            wanted = vectors.shown(expected, width)
            self.messages.append(f"{vectors.design}: {a} * {b} is {given}, expected {wanted}")

    def __exit__(self, kind, error, traceback):
        if isinstance(error, AssertionError):  # what the design did wrong besides its products
            self.mismatches += 1
            reason, *_ = str(error).splitlines()  # cocotb puts the values behind it
            self.messages.append(f"{self.vectors.design}: {reason}")
        outcome = {
            "test": self.test,
            "checks": self.products,
            "mismatches": self.mismatches,
            "messages": self.messages,
            "bins": sorted(self.bins),
        }
        with (Path(os.environ["SIM_FOLDER"]) / "outcome.jsonl").open("a") as file:
            file.write(json.dumps(outcome) + "\n")
        if error is None:
            assert not self.mismatches, "\n".join(
                [f"{self.mismatches} of {self.products} products are wrong", *self.messages]
            )
