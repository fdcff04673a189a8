"""Anybody's multiplier: a product table."""

import functools
import hashlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mbm_hw.multipliers.parameters import checked_boolean
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family("table", points=[])
@dataclass(frozen=True, eq=False, repr=False)
class Table(IntegerSpec):
    """Anybody's multiplier, given by its product table; equal and hashed by content.

    Parameters
    ----------
    array : array_like
        Integers [2**w, 2**w], indexed [a, b], w from 2 to 12 (sign_magnitude: to 11). Kept as a
        read-only int64 copy. Products must fit 2 * w bits (two's complement where signed).
    signed : bool
        The indices are two's-complement patterns of w-bit operands; the products have signs.
    sign_magnitude : bool
        `array` holds the products of magnitudes. Operands are -(2**w - 1) to 2**w - 1, `width` is
        w + 1, `signed` is True, and the product has the sign of a * b.

    Examples
    --------
    >>> import numpy as np
    >>> from mbm_hw import Table, multiply
    >>> int(multiply(Table(np.minimum.outer(range(4), range(4))), 2, 3))
    2
    """

    MIN_WIDTH: ClassVar[int] = 2
    MAX_WIDTH: ClassVar[int] = 12
    array: np.ndarray
    signed: bool = False
    sign_magnitude: bool = False

    def __post_init__(self):
        for name in ("signed", "sign_magnitude"):
            value = checked_boolean(f"Table: {name}", getattr(self, name))
            object.__setattr__(self, name, value)
        array = np.asarray(self.array)
        if array.dtype.kind not in "iu":
            raise ValueError(f"Table: array must hold integers, not {array.dtype}")
        index_width = array.shape[0].bit_length() - 1 if array.ndim else 0
        high_width = self.MAX_WIDTH - self.sign_magnitude
        square = array.shape == (1 << max(index_width, 0),) * 2
        if not (square and self.MIN_WIDTH <= index_width <= high_width):
            raise ValueError(
                f"Table: array must be [2**w, 2**w], w {self.MIN_WIDTH} to {high_width}, "
                f"not {list(array.shape)}"
            )
        limit, negative = 1 << (2 * index_width), self.signed and not self.sign_magnitude
        low, high = (-limit // 2, limit // 2 - 1) if negative else (0, limit - 1)
        outside = (array < low) | (array > high)
        if outside.any():
            a, b = np.argwhere(outside)[0]
            raise ValueError(f"Table: array[{a}, {b}] must be {low} to {high}, not {array[a, b]}")
        array = array.astype(np.int64)
        array.setflags(write=False)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "width", index_width + self.sign_magnitude)
        object.__setattr__(self, "signed", self.signed or self.sign_magnitude)

    @property
    def takes_magnitudes(self) -> bool:
        """True if the array's indices are magnitudes, not patterns."""
        return self.sign_magnitude or not self.signed

    @property
    def table_bytes(self) -> int:
        return self.array.nbytes

    def product(self, a, b):
        mask = len(self.array) - 1
        return self.array[a & mask, b & mask]

    @functools.cached_property
    def sha256(self) -> str:
        """The hash of the array's bytes (int64, row-major), in hexadecimal."""
        return hashlib.sha256(self.array.astype("<i8").tobytes()).hexdigest()

    @property
    def operand_min(self) -> int:
        return -self.operand_max if self.sign_magnitude else super().operand_min

    @property
    def identifier(self) -> str:
        """`table`, width, `s` if signed, and the content's hash: `table8s_1f3a90bc`."""
        return f"{super().identifier}_{self.sha256[:8]}"

    def twin(self, *, signed: bool) -> "Table":
        """Return this table; a ValueError if it is not signed as asked (a table has no twin)."""
        if signed != self.signed:
            raise ValueError(f"{self!r} has no {'signed' if signed else 'unsigned'} twin")
        return self

    def __deepcopy__(self, memo):
        return self

    def __setstate__(self, state):  # unpickled arrays are writable
        state["array"].setflags(write=False)
        vars(self).update(state)

    def _key(self):
        return self.sha256, self.width, self.signed, self.sign_magnitude

    def __eq__(self, other):
        return self._key() == other._key() if isinstance(other, Table) else NotImplemented

    def __hash__(self):
        return hash(self._key())

    def __repr__(self):
        flags = f"signed={self.signed}, sign_magnitude={self.sign_magnitude}"
        return f"Table(width={self.width}, {flags}, sha256={self.sha256[:12]})"
