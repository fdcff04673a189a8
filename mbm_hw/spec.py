"""What a multiplier is: the frozen specs. Every other module derives from this one.

Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018 (MBM).
"""

import dataclasses
import functools
import hashlib
import operator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


def checked_integer(what: str, value: object, low: int, high: int) -> int:
    """Return `value` as an int; a ValueError that begins with `what` if it is none in the range."""
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        is_long = number is not None and number.bit_length() > 256
        came = f"one of {number.bit_length()} bits" if is_long else repr(value)
        raise ValueError(f"{what} must be an integer {low} to {high}, not {came}")
    return number


class Spec:
    """What all multipliers share: a family, and checked parameters."""

    family: ClassVar[str]

    def _check_integer(self, field: str, low: int, high: int):
        what = f"{type(self).__name__}: {field}"
        object.__setattr__(self, field, checked_integer(what, getattr(self, field), low, high))

    def _check_boolean(self, field: str):
        value = getattr(self, field)
        if not isinstance(value, (bool, np.bool_)):
            kind = type(self).__name__
            raise ValueError(f"{kind}: {field} must be True or False, not {value!r}")
        object.__setattr__(self, field, bool(value))


class IntegerSpec(Spec):
    """What all integer multipliers share: `width`-bit operands, a product of twice as many bits.

    Unsigned operands are 0 to 2**width - 1. Signed ones are two's complement and are multiplied as
    sign and magnitude: sgn(a) sgn(b) core(|a|, |b|), where the magnitude 2**(width - 1) is legal.
    """

    MIN_WIDTH: ClassVar[int] = 4
    MAX_WIDTH: ClassVar[int] = 32
    width: int
    signed: bool

    def __post_init__(self):
        self._check_integer("width", self.MIN_WIDTH, self.MAX_WIDTH)
        self._check_boolean("signed")

    @property
    def product_width(self) -> int:
        """Bits of the product."""
        return 2 * self.width

    @property
    def operand_min(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def operand_max(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    @property
    def magnitude_max(self) -> int:
        """The largest magnitude of an operand: what the unsigned core must take."""
        return max(self.operand_max, -self.operand_min)

    @property
    def identifier(self) -> str:
        """Family, width, `s` if signed, `_tT` if truncated: `mbm16_t8`. A legal Verilog name."""
        return f"{self.family}{self.width}{'s' if self.signed else ''}"

    def twin(self, *, signed: bool) -> "IntegerSpec":
        """Return the same multiplier for signed, or for unsigned, operands."""
        return dataclasses.replace(self, signed=signed)


@dataclass(frozen=True)
class Exact(IntegerSpec):
    """The exact multiplier: the baseline of every comparison.

    Parameters
    ----------
    width : bits per operand, 4 to 32.
    signed : two's complement operands and product.
    """

    family: ClassVar[str] = "exact"
    width: int = 8
    signed: bool = False


@dataclass(frozen=True)
class LogSpec(IntegerSpec):
    """What the logarithmic multipliers share.

    log2 of an operand is taken as its characteristic k (the leading-one position) plus the bits
    below the leading one as a fraction of `fraction_width` bits. A `truncation` drops that many of
    the fraction's lowest bits and sets the lowest one kept.
    """

    width: int = 8
    truncation: int = 0
    signed: bool = False

    def __post_init__(self):
        super().__post_init__()
        # At width - 2 the square of the signed -2**(width - 1) would not fit the product.
        self._check_integer("truncation", 0, self.width - (3 if self.signed else 2))

    @property
    def fraction_width(self) -> int:
        """Bits of the left-aligned fraction, the truncated ones included."""
        return self.width - 1

    @property
    def corrections(self) -> tuple[int, int]:
        """The constants added without and with a carry, in units of 2**-fraction_width."""
        return 0, 0

    @property
    def small_characteristic(self) -> int:
        """A product that carries with at most this characteristic gets 1 back; -1: none does."""
        return -1

    @property
    def identifier(self) -> str:
        return super().identifier + (f"_t{self.truncation}" if self.truncation else "")


@dataclass(frozen=True)
class Mitchell(LogSpec):
    """Mitchell's logarithmic multiplier: without truncation never above the exact product.

    Parameters
    ----------
    width : bits per operand, 4 to 32.
    truncation : fraction bits dropped, 0 to width - 2 (signed: width - 3).
    signed : two's complement operands and product.

    Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
    """

    family: ClassVar[str] = "mitchell"


CORRECTION, CORRECTION_WIDTH = 10, 7
"""MBM's constant: 2**-4 + 2**-6, in units of 2**-7."""


def mbm_corrections(fraction_width: int, truncation: int) -> tuple[int, int]:
    """Return MBM's constant without and with a carry, in units of 2**-fraction_width."""
    shift = fraction_width - CORRECTION_WIDTH
    halved = (CORRECTION >> carry for carry in (0, 1))
    aligned = (c << shift if shift >= 0 else c >> -shift for c in halved)
    without_carry, with_carry = (c >> truncation << truncation for c in aligned)
    return without_carry, with_carry


@dataclass(frozen=True)
class MBM(LogSpec):
    """The minimally biased multiplier: Mitchell's sum of logarithms plus a constant.

    The constant is 5/64 (the hardware's stand-in for 1/12), halved where the sum of the fractions
    carries, and cut to the bits that truncation keeps. Corners: it is left out where the product
    would overflow; small products that carry get back the 1 that the output shift drops.

    Parameters
    ----------
    width : bits per operand, 4 to 32.
    truncation : fraction bits dropped, 0 to width - 2 (signed: width - 3).
    signed : two's complement operands and product.

    Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018.
    """

    family: ClassVar[str] = "mbm"

    @property
    def corrections(self) -> tuple[int, int]:
        return mbm_corrections(self.fraction_width, self.truncation)

    @property
    def small_characteristic(self) -> int:
        return 6


@dataclass(frozen=True, eq=False, repr=False)
class Table(IntegerSpec):
    """Anybody's multiplier, given by its product table; equal and hashed by content.

    Parameters
    ----------
    array : integers [2**w, 2**w], indexed [a, b], w from 2 to 12 (sign_magnitude: to 11). Kept as a
        read-only int64 copy. Products must fit 2 * w bits (two's complement where signed).
    signed : the indices are two's-complement patterns of w-bit operands; the products have signs.
    sign_magnitude : `array` holds the products of magnitudes. Operands are -(2**w - 1) to
        2**w - 1, `width` is w + 1, `signed` is True, and the product has the sign of a * b.
    """

    MIN_WIDTH: ClassVar[int] = 2
    MAX_WIDTH: ClassVar[int] = 12
    family: ClassVar[str] = "table"
    array: np.ndarray
    signed: bool = False
    sign_magnitude: bool = False

    def __post_init__(self):
        self._check_boolean("signed")
        self._check_boolean("sign_magnitude")
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
