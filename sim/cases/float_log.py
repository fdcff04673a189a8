"""The cases of the logarithmic floating-point multipliers: carries and corrections."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import FloatLogSpec, FloatMBM, FloatSpec
from mbm_hw.multipliers.parameters import clipped
from sim.cases.bins import Case, crossed, flag
from sim.cases.floats import DIRECTED_SAMPLES, FloatCases
from sim.cases.log import CORRECTED
from sim.cases.registry import cases_of


@cases_of(FloatLogSpec)
class FloatLogCases(FloatCases):
    """The cases of all float specs, and of the sum of the logarithms."""

    def mantissas(self, generator: np.random.Generator) -> Iterator[np.ndarray]:
        yield self._sums(generator)

    def mantissa_bins(self, i: np.ndarray, j: np.ndarray, signs: Case) -> Iterator[Case]:
        one = 1 << self.spec.mantissa_bits
        total = self.spec.fraction(i) + self.spec.fraction(j)
        carry = total // one
        corrected = total % one + np.array(self.spec.corrections)[carry]
        carries = flag(carry, ("no carry", "carry"))
        yield crossed("correction", carries, flag(corrected >= one, CORRECTED), signs)

    def twin(self) -> FloatSpec:
        if self.spec.mantissa_bits < 6 or not self.spec.truncation:
            return super().twin()
        kept = self.spec.fraction_width - self.spec.truncation
        return clipped(self.spec, exponent_bits=3, mantissa_bits=7, truncation=max(1, 7 - kept))

    def _sums(self, generator):
        """Draw mantissas whose sum, or corrected sum, is next to 1 or 2."""
        one = 1 << self.spec.mantissa_bits
        without_carry, with_carry = self.spec.corrections
        sums = [one, one - without_carry, 2 * one - with_carry]
        total = generator.choice(sums, DIRECTED_SAMPLES)
        total += generator.integers(-1, 2, DIRECTED_SAMPLES)
        total = np.minimum(total, 2 * one - 2)
        low, high = np.maximum(0, total - one + 1), np.minimum(total, one - 1)
        first = generator.integers(low, high + 1)
        return np.stack([first, total - first])


@cases_of(FloatMBM)
class FloatMBMCases(FloatLogCases):
    """The cases of the logarithmic ones, whose constant truncation may cut."""

    def twin(self) -> FloatSpec:
        kept = self.spec.fraction_width - self.spec.truncation
        if self.spec.truncation and kept >= 7:
            # Nothing is cut from the constant, and a forced bit is all that is left of truncation.
            return FloatMBM(3, 7, force_lsb=True)
        return super().twin()
