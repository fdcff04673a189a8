"""The cases of the logarithmic multipliers: carries, corrections and their corners."""

from collections.abc import Iterator

import numpy as np

from mbm_hw.multipliers import IntegerSpec, LogSpec
from mbm_hw.multipliers.parameters import clipped
from sim.cases.bins import Case, crossed, first_of, flag
from sim.cases.integer import IntegerCases
from sim.cases.registry import cases_of

CORRECTED = "below 2", "to 2 or more"  # the significand


@cases_of(LogSpec)
class LogCases(IntegerCases):
    """The cases of all integer specs, and of the sum of the logarithms."""

    def offsets(self) -> tuple[int, ...]:
        """With truncation 2**k - 2 too: all ones but for a bit that is dropped."""
        return (-2, -1, 0, 1) if self.spec.truncation else (-1, 0, 1)

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        yield from super().bins(a, b)
        spec = self.spec
        a, b = (x[(a != 0) & (b != 0)] for x in (a, b))
        logs = (spec.log2(np.abs(x).astype(np.uint64)) for x in (a, b))
        characteristics, fractions = zip(*logs, strict=True)
        one = 1 << spec.fraction_width
        total = sum(fraction.astype(np.int64) for fraction in fractions)
        carry = total // one
        characteristic = sum(c.astype(np.int64) for c in characteristics) + carry
        correction = spec.correction(*fractions, carry.astype(np.uint64))
        corrected = total % one + correction.astype(np.int64)
        carries = flag(carry, ("no carry", "carry"))
        signs = [flag((a < 0) != (b < 0), ("positive", "negative"))] if spec.signed else []
        top = 2 * spec.width - 1 - spec.signed
        ends = ["at most 6", "between", "highest"]
        end = ends, first_of(characteristic <= 6, characteristic < top)
        is_overflow = (characteristic == 2 * spec.width - 1) & (corrected >= one)
        is_small = (carry == 1) & (characteristic <= spec.small_characteristic)
        yield crossed("operands", self.kind(a), carries, self.kind(b))
        yield crossed("correction", carries, flag(corrected >= one, CORRECTED), *signs)
        yield crossed("characteristic", end, carries, *signs)
        yield crossed("overflow corner", flag(is_overflow), *signs)
        yield crossed("small product", flag(is_small), *signs)

    def twin(self) -> IntegerSpec:
        spec = self.spec
        if spec.width <= 8 or not spec.truncation:
            return super().twin()
        # A signed operand's fraction ends in a 0: only a second dropped bit is one of its own.
        dropped = min(spec.truncation, 1 + spec.signed)
        width = 7 + dropped
        kept = min(spec.fraction_width - spec.truncation, width - 1 - dropped)
        return clipped(spec, width=width, truncation=width - 1 - kept)
