"""The cases of rounding."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import FloatExact
from sim.cases.bins import Case, crossed, first_of, flag
from sim.cases.floats import DIRECTED_SAMPLES, FloatCases
from sim.cases.registry import cases_of


@cases_of(FloatExact)
class FloatExactCases(FloatCases):
    """The cases of all float specs, and of rounding."""

    def mantissas(self, generator: np.random.Generator) -> Iterator[np.ndarray]:
        yield self._ties(generator)
        yield self._below_two(generator)

    def mantissa_bins(self, i: np.ndarray, j: np.ndarray, signs: Case) -> Iterator[Case]:
        bits, one = self.spec.mantissa_bits, 1 << self.spec.mantissa_bits
        product = (one + i) * (one + j)
        increment = product >> (2 * bits + 1)
        half = np.int64(one) << increment >> 1
        kept, rest = product // (2 * half), product % (2 * half)
        directions = first_of(rest == 0, rest < half, rest == half)
        yield crossed(
            "rounding",
            flag(increment, ("below 2", "2 or more")),
            flag(kept & 1, ("even", "odd")),
            (["exact", "down", "tie", "up"], directions),
            signs,
        )
        yield crossed("rounded up to 2", flag((kept == 2 * one - 1) & (rest >= half)), signs)

    def _ties(self, generator):
        """Draw odd significands whose product has as many bits as fit, or one or two more."""
        bits = self.spec.mantissa_bits + 1
        width = generator.integers(1, bits, DIRECTED_SAMPLES)
        both = generator.integers(bits, bits + 3, DIRECTED_SAMPLES)
        widths = np.stack([width, np.minimum(both - width, bits)])
        one = np.int64(1) << (widths - 1)
        odd = one | generator.integers(0, one) | 1
        return (odd << (bits - widths)) - (1 << self.spec.mantissa_bits)

    def _below_two(self, generator):
        """Draw mantissas whose significands' product is as near below 2 as it can be."""
        one = 1 << self.spec.mantissa_bits
        first = generator.integers(one + 1, 2 * one, DIRECTED_SAMPLES)
        return np.stack([first, (2 * one * one - 1) // first]) - one
