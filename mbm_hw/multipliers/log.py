"""The steps that the logarithmic multipliers share; `hdl` takes the same ones, by name.

Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
"""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.leading_one import aligned_fraction, leading_one, scaled
from mbm_hw.multipliers.lowering import LogProducts
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.spec import FloatSpec, IntegerSpec

CORRECTION, CORRECTION_WIDTH = 10, 7
"""MBM's constant: 2**-4 + 2**-6, in units of 2**-7."""


def mbm_corrections(fraction_width: int, truncation: int) -> tuple[int, int]:
    """Return MBM's constant without and with a carry, in units of 2**-fraction_width."""
    shift = fraction_width - CORRECTION_WIDTH
    halved = (CORRECTION >> carry for carry in (0, 1))
    aligned = (c << shift if shift >= 0 else c >> -shift for c in halved)
    without_carry, with_carry = (c >> truncation << truncation for c in aligned)
    return without_carry, with_carry


class LogSteps(IntegerSpec):
    """The steps of multipliers that add logarithms.

    log2 of an operand is taken as its characteristic k (the leading-one position) plus the bits
    below the leading one as a fraction of `fraction_width` bits. A subclass says how many of these
    it drops, and how it adds.
    """

    @property
    def fraction_width(self) -> int:
        """Bits of the left-aligned fraction, the truncated ones included."""
        return self.width - 1

    @property
    def truncation(self) -> int:
        """The number of the fraction's lowest bits that are dropped."""
        return 0

    @property
    def forced(self) -> bool:
        """True if the lowest fraction bit that is kept is set."""
        return self.truncation > 0

    def product(self, a, b):
        characteristic_a, fraction_a = self.log2(a)
        characteristic_b, fraction_b = self.log2(b)
        width, one = np.uint64(self.fraction_width), np.uint64(1 << self.fraction_width)
        total = self.total(fraction_a, fraction_b)
        carry, fraction = total >> width, total & (one - np.uint64(1))
        characteristic = characteristic_a + characteristic_b + carry
        shifted = scaled(one + fraction, characteristic, self.fraction_width)
        return np.where((a == 0) | (b == 0), np.uint64(0), shifted)

    def log2(self, x) -> tuple[np.ndarray, np.ndarray]:
        """Return Mitchell's log2 of `x`: its characteristic (leading-one position) and fraction."""
        characteristic = leading_one(x)
        fraction = aligned_fraction(x, characteristic, self.fraction_width)
        kept = fraction >> np.uint64(self.truncation) | np.uint64(self.forced)
        return characteristic, kept << np.uint64(self.truncation)

    def total(self, fraction_a, fraction_b) -> np.ndarray:
        """Return the sum of the fractions, in units of 2**-fraction_width."""
        return fraction_a + fraction_b


@dataclass(frozen=True)
class LogSpec(LogSteps):
    """The base of Mitchell's multiplier and of those that correct it.

    A `truncation` drops that many of the fraction's lowest bits and sets the lowest one kept.
    """

    width: int = 8
    # At width - 2 the square of the signed -2**(width - 1) would not fit the product.
    truncation: int = integer(
        "t", 0, lambda spec: spec.width - (3 if spec.signed else 2), default=0
    )
    signed: bool = False

    @property
    def corrections(self) -> tuple[int, int]:
        """The constants added without and with a carry, in units of 2**-fraction_width."""
        return 0, 0

    @property
    def small_characteristic(self) -> int:
        """A product that carries with at most this characteristic gets 1 back; -1: none does."""
        return -1

    def product(self, a, b):
        characteristic_a, fraction_a = self.log2(a)
        characteristic_b, fraction_b = self.log2(b)
        width, one = np.uint64(self.fraction_width), np.uint64(1 << self.fraction_width)
        total = self.total(fraction_a, fraction_b)
        carry, fraction = total >> width, total & (one - np.uint64(1))
        characteristic = characteristic_a + characteristic_b + carry
        corrected = fraction + self.correction(fraction_a, fraction_b, carry)
        overflow = (characteristic == 2 * self.width - 1) & (corrected >= one)
        mantissa = one + np.where(overflow, fraction, corrected)
        shifted = scaled(mantissa, characteristic, self.fraction_width)
        small = (carry == 1) & (characteristic.astype(np.int64) <= self.small_characteristic)
        return np.where((a == 0) | (b == 0), np.uint64(0), shifted + small.astype(np.uint64))

    def correction(self, fraction_a, fraction_b, carry) -> np.ndarray:
        """Return what is added to the sum of the fractions, in units of 2**-fraction_width."""
        return np.array(self.corrections, np.uint64)[carry]

    def lowering(self):
        return LogProducts(self.truncation, self.corrections, self.small_characteristic)


@dataclass(frozen=True)
class FloatLogSpec(FloatSpec):
    """The base of the logarithmic ones: the mantissas are added, nothing is rounded."""

    exponent_bits: int = 8
    mantissa_bits: int = 7
    truncation: int = integer("t", 0, lambda spec: spec.mantissa_bits - 1, default=0)

    @property
    def fraction_width(self) -> int:
        """Bits of the fraction, the truncated ones included: the stored mantissa."""
        return self.mantissa_bits

    @property
    def forced(self) -> bool:
        """True if the lowest mantissa bit is set before anything else."""
        return False

    @property
    def corrections(self) -> tuple[int, int]:
        """The constants added without and with a carry, in units of 2**-mantissa_bits."""
        return 0, 0

    def product(self, a, b):
        width, one = self.fraction_width, 1 << self.fraction_width
        total = self.fraction(a) + self.fraction(b)
        carry, fraction = total >> width, total & (one - 1)
        corrected = fraction + np.array(self.corrections)[carry]
        corrected = np.where((carry == 1) & (corrected >= one), fraction, corrected)
        overflow = corrected >> width
        mantissa = np.where(overflow == 1, (one + corrected) >> 1, corrected) & (one - 1)
        return (carry | overflow) << width | mantissa

    def fraction(self, mantissa) -> np.ndarray:
        """Return the fraction that the logarithm takes of a stored mantissa."""
        if self.truncation:
            return (mantissa >> self.truncation | 1) << self.truncation
        return mantissa | self.forced

    def lowering(self):
        return LogProducts(self.truncation, self.corrections, forced=self.forced)
