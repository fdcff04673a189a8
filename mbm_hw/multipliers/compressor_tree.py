"""Multipliers whose partial products go through approximate 4:2 compressors."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mbm_hw.multipliers.parameters import choice, integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec

Columns = dict[int, list[np.ndarray]]
"""Arrays of bits by their column, the exponent of their weight."""


def momeni(x1, x2, x3, x4) -> tuple[np.ndarray, np.ndarray]:
    """Return sum and carry of the second design of Momeni et al."""
    return np.uint64(1) ^ (x1 ^ x2) & (x3 ^ x4), (x1 | x2) & (x3 | x4)


def venkatachalam(x1, x2, x3, x4) -> tuple[np.ndarray, np.ndarray]:
    """Return sum and carry of the cell of Venkatachalam and Ko."""
    return (x1 ^ x2) | (x3 ^ x4) | x1 & x2 & x3 & x4, x1 & x2 | x3 & x4


def wire(x) -> tuple[np.ndarray]:
    """Return the sum of one bit."""
    return (x,)


def half_adder(x, y) -> tuple[np.ndarray, np.ndarray]:
    """Return sum and carry of two bits."""
    return x ^ y, x & y


def full_adder(x, y, z) -> tuple[np.ndarray, np.ndarray]:
    """Return sum and carry of three bits."""
    return x ^ y ^ z, x & y | z & (x ^ y)


CELLS = {"momeni": momeni, "venkatachalam": venkatachalam}
COUNTERS = {1: wire, 2: half_adder, 3: full_adder}
"""The exact cells by the bits that they add."""


@family("momeni", cells="momeni", points=["momeni8_c8", "momeni8s_c8"])
@family("venkatachalam", cells="venkatachalam", points=["venkatachalam8_c8", "venkatachalam8s_c8"])
@dataclass(frozen=True, kw_only=True)
class CompressorTree(IntegerSpec):
    """An 8-bit array whose low columns are added by approximate 4:2 compressors.

    The first stage takes rows 0 to 3 and rows 4 to 7, the second one the four rows that come out.
    In a column below `column`, four bits go through the approximate cell, which gives a sum and a
    carry and takes no carry in; three and two bits are added exactly. All other columns, and the
    two rows left, are added exactly. The tree is this project's: papers differ in it.

    Parameters
    ----------
    width : int
        Bits of an operand: 8.
    cells : str
        The cell. "momeni" is the second design of Momeni et al.: sum = XNOR(x1, x2) OR
        XNOR(x3, x4), carry = (x1 OR x2) AND (x3 OR x4); there 0 times anything is not 0.
        "venkatachalam": sum = (x1 XOR x2) OR (x3 XOR x4) OR x1 x2 x3 x4, carry = x1 x2 OR x3 x4.
    column : int
        The first exact column, 0 to 16. Columns of four bits are those from 3 to 11.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    A. Momeni et al., IEEE Trans. Computers 64(4), 2015.
    S. Venkatachalam, S.-B. Ko, IEEE Trans. VLSI 25(5), 2017.

    Examples
    --------
    >>> import mbm_hw as mh
    >>> int(mh.multiply(mh.CompressorTree(cells="momeni", column=8), 100, 200))
    20344
    """

    MIN_WIDTH: ClassVar[int] = 8
    MAX_WIDTH: ClassVar[int] = 8
    width: int = 8
    cells: str = choice(dict.fromkeys(CELLS, ""))
    column: int = integer("c", 0, 16)
    signed: bool = False

    @property
    def family(self) -> str:
        return self.cells

    def product(self, a, b):
        low, high = (self.compressed(self.rows(a, b, first)) for first in (0, 4))
        rows = {column: low.get(column, []) + high.get(column, []) for column in {*low, *high}}
        return self.total(self.compressed(rows))

    def rows(self, a, b, first: int) -> Columns:
        """Return the bits of four rows of partial products from row `first` on, by column."""
        columns = {}
        for j in range(first, first + 4):
            for i in range(self.width):
                columns.setdefault(i + j, []).append(_bit(a, i) & _bit(b, j))
        return columns

    def compressed(self, columns: Columns) -> Columns:
        """Return what a stage makes of up to four bits a column; exact columns it leaves alone."""
        out = {}
        for column, bits in sorted(columns.items()):
            if column >= self.column:
                out.setdefault(column, []).extend(bits)
                continue
            cell = COUNTERS.get(len(bits), CELLS[self.cells])
            for place, bit in enumerate(cell(*bits)):
                out.setdefault(column + place, []).append(bit)
        return out

    def total(self, columns: Columns) -> np.ndarray:
        """Return the exact sum of all bits, each with the weight of its column."""
        return sum(bit << np.uint64(column) for column, bits in columns.items() for bit in bits)


def _bit(x, index):
    return (x >> np.uint64(index)) & np.uint64(1)
