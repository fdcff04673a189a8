"""The cases of Booth multipliers: the digits."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import BoothR4
from sim.cases.bins import Case, crossed, flag
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of


@cases_of(BoothR4)
class BoothR4Cases(IntegerCases):
    """The cases of all integer specs, and of each row's digit."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        for i in range(self.spec.width // 2):
            digits = ["-2", "-1", "0", "1", "2"], self.spec.digit(a, i) + 2
            yield crossed(f"digit {i}", digits, flag(b < 0, ("positive", "negative")))
