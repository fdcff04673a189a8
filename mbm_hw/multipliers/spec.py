"""The frozen specs: what all multipliers share. Every other module derives from them.

A family is a subclass in a file of its own: its fields are its parameters, and its `product` is its
arithmetic. `registry.family` makes it known by name.
"""

import dataclasses
from typing import ClassVar

import numpy as np

from mbm_hw.multipliers.lowering import Lowering
from mbm_hw.multipliers.parameters import checked_boolean, checked_integer, parameter_of

FORMATS = {(8, 23): "fp32", (8, 7): "bf16", (5, 10): "fp16"}


class Spec:
    """The base of all multipliers: a family, and checked parameters.

    family : the name of its kind, which begins its own name.
    source : where a family of the user's own comes from, `FILE:Class`; empty for the others.
    """

    family: ClassVar[str]
    source: ClassVar[str] = ""
    is_float: ClassVar[bool]
    is_exact: ClassVar[bool] = False
    takes_magnitudes: bool = True
    improved_by: ClassVar[tuple[str, ...]] = ()
    """Integer parameters with which the mean error never rises; the conformance suite holds it."""
    worsened_by: ClassVar[tuple[str, ...]] = ()
    """Integer parameters with which the mean error never falls."""
    width: int
    signed: bool

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if parameter := parameter_of(field):
                what = f"{type(self).__name__}: {field.name}"
                value = parameter.checked(what, getattr(self, field.name), self)
                object.__setattr__(self, field.name, value)

    def product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the products of operands that are legal, bit for bit as the circuit's core."""
        raise NotImplementedError(f"{type(self).__name__} has no `product`")

    def exact(self) -> "Spec":
        """Return the exact counterpart: the exact multiplier of the same operands."""
        raise NotImplementedError

    def lowering(self) -> Lowering | None:
        """Return what multiplies in the kernels faster than a product table; None: nothing does."""
        return None

    @property
    def table_bytes(self) -> int:
        """Bytes of memory that the spec itself takes: those of a product table, else 0."""
        return 0

    @property
    def parameters(self) -> dict[str, object]:
        """The spec's fields by name, in order."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @property
    def suffix(self) -> str:
        """The parameters' part of the name, each with its underscore: `_k6`."""
        words = (
            parameter.word(getattr(self, field.name), field.default)
            for field in dataclasses.fields(self)
            if (parameter := parameter_of(field))
        )
        return "".join(f"_{word}" for word in words if word)


class IntegerSpec(Spec):
    """The base of integer multipliers: `width`-bit operands, a product of twice as many bits.

    Unsigned operands are 0 to 2**width - 1. Signed ones are two's complement and are multiplied as
    sign and magnitude: sgn(a) sgn(b) core(|a|, |b|), where the magnitude 2**(width - 1) is legal.

    A family declares the fields `width` and `signed`, its parameters between them (see
    `parameters`), and defines `product(a, b)`: uint64 arrays of magnitudes in, of one dimension at
    least and broadcast together; the products out, integers. Where `takes_magnitudes` is False,
    int64 values with their signs go in and signed products come out.
    """

    MIN_WIDTH: ClassVar[int] = 4
    MAX_WIDTH: ClassVar[int] = 32
    WIDTH_STEP: ClassVar[int] = 1
    """Widths are multiples of it."""
    SIGNS: ClassVar[tuple[bool, ...]] = (False, True)
    """The legal values of `signed`."""
    exact_kind: ClassVar[type["IntegerSpec"]]
    """The class of the exact multiplier: `exact.py` sets it."""
    is_float = False

    def __post_init__(self):
        what = type(self).__name__
        width = checked_integer(f"{what}: width", self.width, self.MIN_WIDTH, self.MAX_WIDTH)
        if width % self.WIDTH_STEP:
            raise ValueError(f"{what}: width must be a multiple of {self.WIDTH_STEP}, not {width}")
        object.__setattr__(self, "width", width)
        signed = checked_boolean(f"{what}: signed", self.signed)
        if signed not in self.SIGNS:
            raise ValueError(f"{what}: signed must be {not signed}, not {signed}")
        object.__setattr__(self, "signed", signed)
        super().__post_init__()

    def exact(self) -> "IntegerSpec":
        """Return the exact multiplier of the same operands."""
        kind = IntegerSpec.exact_kind
        return kind(width=max(self.width, kind.MIN_WIDTH), signed=self.signed)

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
        """Family, width, `s` if signed, parameters: `mbm16_t8`. A legal Verilog name.

        A family whose name ends in a digit has an underscore before the width.
        """
        gap = "_" if self.family[-1].isdigit() else ""
        return f"{self.family}{gap}{self.width}{'s' if self.signed else ''}{self.suffix}"

    def twin(self, *, signed: bool) -> "IntegerSpec":
        """Return the same multiplier for signed, or for unsigned, operands."""
        return dataclasses.replace(self, signed=signed)


class FloatSpec(Spec):
    """The base of floating-point multipliers: operands and product of one format, IEEE style.

    They are given as bit patterns of `width` bits: sign, exponent field, mantissa. All flush
    subnormals: an exponent field of 0 is a zero with a sign, as operand and as product.

    A family declares the fields `exponent_bits` and `mantissa_bits`, then its parameters, and
    defines `product(a, b)`: int64 arrays of stored mantissas in; (exponent increment <<
    mantissa_bits) | mantissa out.
    """

    exponent_bits: int
    mantissa_bits: int
    signed: ClassVar[bool] = True
    exact_kind: ClassVar[type["FloatSpec"]]
    """The class of the exact multiplier: `float_exact.py` sets it."""
    is_float = True

    def __post_init__(self):
        for name, low, high in (("exponent_bits", 2, 8), ("mantissa_bits", 1, 23)):
            what = f"{type(self).__name__}: {name}"
            object.__setattr__(self, name, checked_integer(what, getattr(self, name), low, high))
        super().__post_init__()

    def exact(self) -> "FloatSpec":
        """Return the exact multiplier of the same format, which rounds to the nearest."""
        return FloatSpec.exact_kind(self.exponent_bits, self.mantissa_bits)

    @property
    def width(self) -> int:
        """Bits of an operand, and of the product."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def product_width(self) -> int:
        """Bits of the product: those of an operand."""
        return self.width

    @property
    def exponent_bias(self) -> int:
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def exponent_max(self) -> int:
        """The exponent field of infinity and NaN."""
        return (1 << self.exponent_bits) - 1

    @property
    def format(self) -> str:
        """The operands' format: fp32, bf16, fp16, or as e4m3."""
        bits = self.exponent_bits, self.mantissa_bits
        return FORMATS.get(bits, "e{}m{}".format(*bits))

    @property
    def identifier(self) -> str:
        """Family, format, parameters: `mitchell_fp32_t8`. A legal Verilog name."""
        return f"{self.family}_{self.format}{self.suffix}"
