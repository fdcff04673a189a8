"""The cases of DRUM: whether operands are cut."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import DRUM
from sim.cases.bins import Case, crossed, flag
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of


@cases_of(DRUM)
class DRUMCases(IntegerCases):
    """The cases of all integer specs, and of the segments."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        cuts = (flag(self.spec.segment(np.abs(x))[1] > 0, ("whole", "cut")) for x in (a, b))
        yield crossed("segments", *cuts, self.signs(a, b))
