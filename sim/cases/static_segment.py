"""The cases of the static segment multipliers: which segments there are."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers.static_segment import StaticSegmentSpec
from sim.cases.bins import Case, crossed
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of


@cases_of(StaticSegmentSpec)
class StaticSegmentCases(IntegerCases):
    """The cases of all integer specs, and of the segments."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        yield crossed("segments", self.place(a), self.place(b), self.signs(a, b))

    def place(self, x: np.ndarray) -> Case:
        """Return which segment each operand has, from the lowest."""
        _, shift = self.spec.segment(np.abs(x))
        shifts = np.array(self.spec.shifts)
        return list(map(str, range(len(shifts)))), np.searchsorted(shifts, shift.astype(np.int64))
