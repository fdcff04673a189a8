"""A family of one's own in thirty lines: DRUM once more, under another name."""

from dataclasses import dataclass

import numpy as np

from mbm_hw import IntegerSpec, family, integer


@family("mydrum", points=["mydrum8_k4"])
@dataclass(frozen=True, kw_only=True)
class MyMultiplier(IntegerSpec):
    """An exact product of the k bits below each leading one.

    Parameters
    ----------
    width : int
        Bits of an operand, 4 to 32.
    k : int
        Bits kept, 3 to ``width - 1``; the lowest one is set where bits were cut.
    signed : bool
        Two's-complement operands and product.

    References
    ----------
    S. Hashemi, R. I. Bahar, S. Reda, ICCAD 2015.

    Examples
    --------
    >>> from mbm_hw import multiply
    >>> int(multiply(MyMultiplier(width=8, k=4), 100, 200))
    21632
    """

    width: int = 8
    k: int = integer("k", 3, lambda spec: spec.width - 1, default=3)
    signed: bool = False

    def product(self, a, b):
        return self.kept(a) * self.kept(b)

    def kept(self, x):
        """Return the operand without the bits that are cut."""
        position = np.frexp(np.maximum(x, 1).astype(float))[1].astype(np.uint64)
        shift = np.maximum(position, self.k) - np.uint64(self.k)
        return (x >> shift | (shift > 0)) << shift
