"""Families without a component and without a definition for the solver."""

from dataclasses import dataclass

from mbm_hw.multipliers import MBM, FloatSpec, IntegerSpec, family, integer


@family("bare")
@dataclass(frozen=True, kw_only=True)
class Bare(IntegerSpec):
    """The sum of a product's halves."""

    width: int
    k: int = integer("k", 2, lambda spec: spec.width - 1, default=2)
    signed: bool = False

    def product(self, a, b):
        return (a * b >> self.k) + (a & b)


@family("bare")
@dataclass(frozen=True, kw_only=True)
class FloatBare(FloatSpec):
    """The mantissas' difference, and their carry as exponent."""

    exponent_bits: int
    mantissa_bits: int

    def product(self, a, b):
        return a + b


@family("heir")
@dataclass(frozen=True)
class Heir(MBM):
    """MBM under another name: what it inherits is its component."""
