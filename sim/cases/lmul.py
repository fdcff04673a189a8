"""The cases of LMul: how often the fractions carry."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import FloatLMul
from sim.cases.bins import Case, crossed
from sim.cases.floats import DIRECTED_SAMPLES, FloatCases
from sim.cases.registry import cases_of


@cases_of(FloatLMul)
class FloatLMulCases(FloatCases):
    """The cases of all float specs, and of the sum of the fractions."""

    def mantissas(self, generator: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield mantissas whose sum with the offset is next to 1 or 2."""
        one, offset = 1 << self.spec.mantissa_bits, self.spec.offset
        total = generator.choice([one, 2 * one], DIRECTED_SAMPLES) - offset
        total = np.minimum(total + generator.integers(-1, 2, DIRECTED_SAMPLES), 2 * one - 2)
        low, high = np.maximum(0, total - one + 1), np.minimum(total, one - 1)
        first = generator.integers(low, high + 1)
        yield np.stack([first, total - first])

    def mantissa_bins(self, i: np.ndarray, j: np.ndarray, signs: Case) -> Iterator[Case]:
        largest = (1 << self.spec.mantissa_bits) - 1
        most = int(self.spec.product(largest, largest) >> self.spec.mantissa_bits)
        carries = [str(carries) for carries in range(most + 1)]
        yield crossed(
            "carries", (carries, self.spec.product(i, j) >> self.spec.mantissa_bits), signs
        )
