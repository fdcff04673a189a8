"""The cases of multipliers that round operands to powers of two: down or up."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers.nearest_power import NearestPowerSpec
from sim.cases.bins import Case, crossed, first_of
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of


@cases_of(NearestPowerSpec)
class NearestPowerCases(IntegerCases):
    """The cases of all integer specs, and of the rounding."""

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        yield crossed("rounded", self.direction(a), self.direction(b), self.signs(a, b))

    def direction(self, x: np.ndarray) -> Case:
        """Return where each operand is rounded to."""
        magnitude = np.abs(x)
        rounded = self.spec.rounded(magnitude).astype(np.int64)
        return ["3", "down", "not", "up"], first_of(
            magnitude == 3, rounded < magnitude, rounded == magnitude
        )
