"""The static segment multiplier."""

from dataclasses import dataclass

from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.static_segment import StaticSegmentSpec


@family("ssm", points=["ssm8_m5", "ssm8s_m5", "ssm16_m9"])
@dataclass(frozen=True, kw_only=True)
class SSM(StaticSegmentSpec):
    """SSM: an exact product of one of two segments of each operand, its top or its low m bits.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    m : int
        Bits of a segment, ``width / 2`` to ``width - 1``.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    S. Narayanamoorthy et al., "Energy-Efficient Approximate Multiplication for Digital Signal
    Processing and Classification Applications", IEEE Trans. VLSI Systems 23(6), 2015.

    Examples
    --------
    >>> from mbm_hw import SSM, multiply
    >>> int(multiply(SSM(width=8, m=5), 100, 200))
    19200
    """

    width: int = 8
    m: int = integer("m", lambda spec: (spec.width + 1) // 2, lambda spec: spec.width - 1)
    signed: bool = False
    improved_by = ("m",)

    @property
    def shifts(self) -> tuple[int, ...]:
        """The places where a segment may begin: the lowest bit, and m bits below the top."""
        return 0, self.width - self.m
