"""The cases of multipliers that add logarithms: whether the fractions' sum carries."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers.log import LogSteps
from sim.cases.bins import Case, crossed, flag
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of


@cases_of(LogSteps)
class LogStepsCases(IntegerCases):
    """The cases of all integer specs, and of the sum of the fractions."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        a, b = (x[(a != 0) & (b != 0)] for x in (a, b))
        fractions = (self.spec.log2(np.abs(x).astype(np.uint64))[1] for x in (a, b))
        carry = self.spec.total(*fractions) >> np.uint64(self.spec.fraction_width)
        yield crossed("carry", flag(carry), self.signs(a, b))
