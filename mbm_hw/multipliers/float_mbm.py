"""The minimally biased multiplier of floating-point numbers.

Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018, section on fp.
"""

from dataclasses import dataclass

from mbm_hw.multipliers.log import FloatLogSpec, mbm_corrections
from mbm_hw.multipliers.parameters import choice
from mbm_hw.multipliers.registry import family


@family(
    "mbm",
    points={
        # bf16 with the lowest mantissa bit forced, and without; the wider formats do without.
        "mbm_bf16": "mbm_bf16_lsb",
        "mbm_bf16_plain": "mbm_bf16_plain",
        "mbm_fp16": "mbm_fp16_plain",
        "mbm_fp32": "mbm_fp32_plain",
        # The MBM paper's applications: JPEG at t = 15, AlexNet at t = 20.
        "mbm_fp32_t15": "mbm_fp32_t15",
        "mbm_fp32_t20": "mbm_fp32_t20",
    },
)
@dataclass(frozen=True)
class FloatMBM(FloatLogSpec):
    """The minimally biased multiplier on the mantissas.

    Parameters
    ----------
    exponent_bits : int
        Bits of the exponent field, 2 to 8.
    mantissa_bits : int
        Stored bits of the significand, 1 to 23; below 7 the constant is cut.
    truncation : int
        Mantissa bits dropped, the lowest kept one set; 0 to ``mantissa_bits - 1``.
    force_lsb : bool
        Set the lowest mantissa bit of both operands, also without truncation.

    References
    ----------
    H. Saadat, H. Bokhari, S. Parameswaran, "Minimally Biased Multipliers for Approximate Integer
    and Floating-Point Multiplication", IEEE Trans. CAD 37(11), 2018.

    Examples
    --------
    >>> from mbm_hw import FloatMBM, multiply
    >>> hex(multiply(FloatMBM(8, 7), 0x3F80, 0x3F80))
    '0x3f8a'
    """

    force_lsb: bool = choice({False: "plain", True: "lsb"}, default=False)

    @property
    def forced(self) -> bool:
        return self.force_lsb

    @property
    def corrections(self) -> tuple[int, int]:
        return mbm_corrections(self.fraction_width, self.truncation)

    @property
    def suffix(self) -> str:
        """As the others', but `_plain` is left out where there is a truncation."""
        return super().suffix.removesuffix("_plain") if self.truncation else super().suffix
