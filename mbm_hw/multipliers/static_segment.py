"""The steps that the static segment multipliers share."""

from itertools import pairwise

import numpy as np

from mbm_hw.multipliers.lowering import Term, Terms
from mbm_hw.multipliers.spec import IntegerSpec


class StaticSegmentSpec(IntegerSpec):
    """A multiplier of segments: of m bits of each operand, at one of a few fixed places."""

    m: int

    @property
    def shifts(self) -> tuple[int, ...]:
        """The places where a segment may begin, rising."""
        raise NotImplementedError

    def product(self, a, b):
        (segment_a, shift_a), (segment_b, shift_b) = self.segment(a), self.segment(b)
        return (segment_a * segment_b) << (shift_a + shift_b)

    def segment(self, x) -> tuple[np.ndarray, np.ndarray]:
        """Return the lowest segment that holds the leading one of `x`, and where it begins."""
        x = x.astype(np.uint64)
        shift = np.zeros_like(x)
        for lower, higher in pairwise(self.shifts):
            shift = np.where(x >> np.uint64(lower + self.m), np.uint64(higher), shift)
        return x >> shift, shift

    def value(self, x) -> np.ndarray:
        """Return the operand that stands for `x` in the exact product."""
        segment, shift = self.segment(x)
        return segment << shift

    def lowering(self):
        return Terms((Term(self.value, self.value),))
