"""What a floating-point multiplier is: one sign bit, exponent bits, mantissa bits, IEEE style.

All flush subnormals: an exponent field of 0 is a zero with a sign, as operand and as product.

Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018, section on fp.
"""

from dataclasses import dataclass
from typing import ClassVar

from mbm_hw.spec import Spec, mbm_corrections

FORMATS = {(8, 23): "fp32", (8, 7): "bf16", (5, 10): "fp16"}


class FloatSpec(Spec):
    """What the floating-point multipliers share: operands and product of one format.

    They are given as bit patterns of `width` bits: sign, exponent field, mantissa.
    """

    exponent_bits: int
    mantissa_bits: int
    signed: ClassVar[bool] = True

    def __post_init__(self):
        self._check_integer("exponent_bits", 2, 8)
        self._check_integer("mantissa_bits", 1, 23)

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
        """Family, format, `_tT` if truncated: `mitchell_fp32_t8`. A legal Verilog name."""
        return f"{self.family}_{self.format}"


@dataclass(frozen=True)
class FloatExact(FloatSpec):
    """The exact product, rounded to the nearest, ties to even: the baseline of float formats.

    Parameters
    ----------
    exponent_bits : 2 to 8. mantissa_bits : stored ones, 1 to 23.
    """

    family: ClassVar[str] = "exact"
    exponent_bits: int = 8
    mantissa_bits: int = 7


@dataclass(frozen=True)
class FloatLogSpec(FloatSpec):
    """What the logarithmic ones share: the mantissas are added, nothing is rounded."""

    exponent_bits: int = 8
    mantissa_bits: int = 7
    truncation: int = 0

    def __post_init__(self):
        super().__post_init__()
        self._check_integer("truncation", 0, self.mantissa_bits - 1)

    @property
    def fraction_width(self) -> int:
        """Bits of the fraction, the truncated ones included: the stored mantissa."""
        return self.mantissa_bits

    @property
    def forced(self) -> bool:
        """Whether the lowest mantissa bit is set before anything else."""
        return False

    @property
    def corrections(self) -> tuple[int, int]:
        """The constants added without and with a carry, in units of 2**-mantissa_bits."""
        return 0, 0

    @property
    def identifier(self) -> str:
        return super().identifier + (f"_t{self.truncation}" if self.truncation else "")


@dataclass(frozen=True)
class FloatMitchell(FloatLogSpec):
    """Mitchell's multiplier on the mantissas.

    Parameters
    ----------
    exponent_bits : 2 to 8. mantissa_bits : stored ones, 1 to 23.
    truncation : mantissa bits dropped, the lowest kept one set; 0 to mantissa_bits - 1.

    Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
    """

    family: ClassVar[str] = "mitchell"


@dataclass(frozen=True)
class FloatMBM(FloatLogSpec):
    """The minimally biased multiplier on the mantissas.

    Parameters
    ----------
    exponent_bits : 2 to 8. mantissa_bits : stored ones, 1 to 23; below 7 the constant is cut.
    truncation : mantissa bits dropped, the lowest kept one set; 0 to mantissa_bits - 1.
    force_lsb : set the lowest mantissa bit of both operands, also without truncation.

    Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018.
    """

    family: ClassVar[str] = "mbm"
    force_lsb: bool = False

    def __post_init__(self):
        super().__post_init__()
        self._check_boolean("force_lsb")

    @property
    def forced(self) -> bool:
        return self.force_lsb

    @property
    def corrections(self) -> tuple[int, int]:
        return mbm_corrections(self.fraction_width, self.truncation)

    @property
    def identifier(self) -> str:
        """As the others', then `_lsb` if forced, `_plain` if neither forced nor truncated."""
        plain = "" if self.truncation else "_plain"
        return super().identifier + ("_lsb" if self.force_lsb else plain)
