"""The cases of REALM: the segments."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import REALM
from sim.cases.bins import Case, crossed
from sim.cases.log import LogCases
from sim.cases.registry import cases_of


@cases_of(REALM)
class REALMCases(LogCases):
    """The cases of the logarithmic multipliers, and of each pair of segments."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        a, b = (x[(a != 0) & (b != 0)] for x in (a, b))
        names = [str(segment) for segment in range(self.spec.m)]
        segments = (self.spec.segment(self.spec.log2(np.abs(x))[1]) for x in (a, b))
        yield crossed("segments", *((names, segment.astype(np.int64)) for segment in segments))
