"""The broken-array multiplier; without a horizontal break, the truncated one."""

from dataclasses import dataclass

import numpy as np

from mbm_hw.multipliers.parameters import flag, integer
from mbm_hw.multipliers.registry import family
from mbm_hw.multipliers.spec import IntegerSpec


@family(
    "brokenarray",
    points=[
        "brokenarray8_v8",
        "brokenarray8_v8_mean",
        "brokenarray8s_v8",
        "brokenarray16_h2_v12",
    ],
)
@dataclass(frozen=True, kw_only=True)
class BrokenArray(IntegerSpec):
    """An array multiplier without the cells below two lines: what is left of the exact sum.

    The cell of the bits a[i] and b[j] weighs 2**(i + j). It is there if j >= h and i + j >= v. With
    h = 0 this is the truncated multiplier.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    h : int
        The horizontal break: rows left out, 0 to ``width - 1``.
    v : int
        The vertical break: columns left out, h to ``2 * width - 1``.
    mean : bool
        Add the mean of what is left out under uniform bits, rounded half up to a multiple of
        2**v. Then 0 times anything is that constant, with the sign of the other operand. Signed
        multipliers with v = 2 * width - 2 cannot have it: the square of -2**(width - 1) would not
        fit.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    H. R. Mahdiani et al., IEEE Trans. Circuits and Systems I 57(4), 2010.

    Examples
    --------
    >>> import mbm_hw as mh
    >>> int(mh.multiply(mh.BrokenArray(width=8, v=8), 100, 200))
    19968
    """

    width: int = 8
    h: int = integer("h", 0, lambda spec: spec.width - 1, default=0)
    v: int = integer("v", lambda spec: spec.h, lambda spec: 2 * spec.width - 1)
    mean: bool = flag("mean", lambda spec: not spec.signed or spec.v != 2 * spec.width - 2)
    signed: bool = False

    def product(self, a, b):
        rows = (self.row(a, b, j) for j in range(self.h, self.width))
        return sum(rows, np.uint64(self.constant))

    def row(self, a, b, j: int) -> np.ndarray:
        """Return row j: a * b[j], without the cells right of the vertical break, in its place."""
        cut = np.uint64(self.columns_cut(j))
        return ((b >> np.uint64(j)) & np.uint64(1)) * (a >> cut << cut) << np.uint64(j)

    def columns_cut(self, j: int) -> int:
        """Return how many of the lowest cells row j lacks."""
        return min(max(self.v - j, 0), self.width)

    @property
    def constant(self) -> int:
        """The constant added: a quarter of the weights left out, as a multiple of 2**v."""
        if not self.mean:
            return 0
        ones = (1 << self.width) - 1
        kept = sum(
            (ones >> cut << cut) << j
            for j in range(self.h, self.width)
            for cut in [self.columns_cut(j)]
        )
        unit = 4 << self.v
        return (ones**2 - kept + unit // 2) // unit << self.v
