"""Mitchell's multiplier on operands that are cut to a few bits."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.leading_one import leading_one
from mbm_hw.multipliers.log import LogSteps
from mbm_hw.multipliers.lowering import Term, Terms
from mbm_hw.multipliers.mitchell import Mitchell
from mbm_hw.multipliers.parameters import integer
from mbm_hw.multipliers.registry import family


@family("mitchellw", points=["mitchellw8_w4", "mitchellw8s_w4", "mitchellw16_w6"])
@dataclass(frozen=True, kw_only=True)
class MitchellW(LogSteps):
    """Mitch-w: Mitchell's multiplier on operands cut to w bits, the leading one included.

    The bits below are dropped; the lowest one that is kept stays as it is.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    w : int
        Bits kept, 2 to ``width``.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    M. S. Kim et al., "Efficient Mitchell's Approximate Log Multipliers for Convolutional Neural
    Networks", IEEE Trans. Computers 68(5), 2019.

    Examples
    --------
    >>> from mbm_hw import MitchellW, multiply
    >>> int(multiply(MitchellW(width=8, w=4), 100, 200))
    16384
    """

    width: int = 8
    w: int = integer("w", 2, lambda spec: spec.width)
    signed: bool = False

    @property
    def truncation(self) -> int:
        """The number of the fraction's lowest bits that are dropped."""
        return self.width - self.w

    def cut(self, x) -> np.ndarray:
        """Return `x` without the bits that are dropped."""
        shift = np.maximum(leading_one(x), np.uint64(self.w - 1)) - np.uint64(self.w - 1)
        return x.astype(np.uint64) >> shift << shift

    def lowering(self):
        return Terms((Term(self.cut, self.cut),), of=Mitchell(self.width, signed=self.signed))

    @property
    def forced(self) -> bool:
        """False: the lowest fraction bit that is kept is not set."""
        return False
