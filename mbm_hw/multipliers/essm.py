"""The enhanced static segment multiplier."""

from dataclasses import dataclass

from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.static_segment import StaticSegmentSpec


@family("essm", points=["essm8_m4", "essm8s_m4", "essm16_m8"])
@dataclass(frozen=True, kw_only=True)
class ESSM(StaticSegmentSpec):
    """ESSM: SSM with a third segment, in the middle between the two.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    m : int
        Bits of a segment, ``width / 2`` to ``width - 2``; ``width - m`` is even.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    S. Narayanamoorthy et al., "Energy-Efficient Approximate Multiplication for Digital Signal
    Processing and Classification Applications", IEEE Trans. VLSI Systems 23(6), 2015.

    Examples
    --------
    >>> from mbm_hw import ESSM, multiply
    >>> int(multiply(ESSM(width=8, m=4), 100, 200))
    18432
    """

    width: int = 8
    m: int = integer("m", lambda spec: (spec.width + 1) // 2, lambda spec: spec.width - 2, step=2)
    signed: bool = False
    improved_by = ("m",)

    @property
    def shifts(self) -> tuple[int, ...]:
        """The places where a segment may begin: those of SSM, and the middle between them."""
        return 0, (self.width - self.m) // 2, self.width - self.m
