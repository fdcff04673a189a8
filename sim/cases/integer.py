"""The cases of all integer multipliers."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from mbm_hw.multipliers import IntegerSpec, multiply, pattern_values
from mbm_hw.multipliers.parameters import clipped
from sim.cases.bins import Case, crossed, first_of, flag
from sim.cases.registry import cases_of

EXHAUSTIVE_WIDTH = 8
SAMPLES = 10_000  # of each kind, uniform and log-uniform


@cases_of(IntegerSpec)
class IntegerCases:
    """Operands, bins and the narrow twin of an integer spec; operands are values."""

    def __init__(self, spec: IntegerSpec):
        self.spec = spec

    def all_operands(self) -> np.ndarray:
        """Return the legal operands."""
        values = pattern_values(self.spec)
        return values[values >= self.spec.operand_min]

    def is_exhaustive(self) -> bool:
        """Return whether `pairs` are all pairs."""
        return self.spec.width <= EXHAUSTIVE_WIDTH

    def pairs(self, generator: np.random.Generator) -> np.ndarray:
        """Return operands a and b, int64 [2, pairs].

        All pairs up to 8 bits. Above, the corners crossed, then 10,000 pairs drawn uniformly and
        10,000 log-uniformly.
        """
        if self.is_exhaustive():
            return _all_pairs(self.all_operands())
        kinds = [_all_pairs(self.corners()), self._uniform(generator), self._log_uniform(generator)]
        return np.concatenate([*kinds, *self.directed(generator)], axis=1)

    def directed(self, generator: np.random.Generator) -> Iterable[np.ndarray]:
        """Yield pairs that chance would not bring, each int64 [2, pairs]."""
        return ()

    def offsets(self) -> tuple[int, ...]:
        """Return the distances of corners from powers of two."""
        return (-1, 0, 1)

    def corners(self) -> np.ndarray:
        """Return the operands at which something changes, ascending, int64.

        0, 2**k and 2**k +- 1 (so 1, all ones, the extremes) and, where the spec is signed, their
        negatives.
        """
        powers = [1 << k for k in range(self.spec.width + 1)]
        magnitudes = {0, *(power + offset for power in powers for offset in self.offsets())}
        values = {sign * magnitude for sign in (1, -1) for magnitude in magnitudes}
        low, high = self.spec.operand_min, self.spec.operand_max
        return np.array(sorted(v for v in values if low <= v <= high), dtype=np.int64)

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        """Yield the cases of pairs of operands."""
        yield crossed("operands", self.kind(a), self.kind(b))
        yield crossed("product is 0", flag(multiply(self.spec, a, b) == 0))

    def twin(self) -> IntegerSpec:
        """Return a spec of few bits that has the same bins; its parameters are legal there."""
        return self.spec if self.spec.width <= 8 else clipped(self.spec, width=8)

    def kind(self, x: np.ndarray) -> Case:
        """Return the kinds of operands."""
        kinds = ["0", "1", "2**k", "2**k - 1", "other"]
        magnitude = np.abs(x)
        kind = first_of(
            magnitude == 0,
            magnitude == 1,
            magnitude & (magnitude - 1) == 0,
            magnitude & (magnitude + 1) == 0,
        )
        if not self.spec.signed:
            return kinds, kind
        return [f"{sign}{k}" for k in kinds for sign in "+-"], 2 * kind + (x < 0)

    def signs(self, a: np.ndarray, b: np.ndarray) -> Case:
        """Return the signs of the products; unsigned ones are all positive."""
        return flag((a < 0) != (b < 0), ("positive", "negative"))

    def _uniform(self, generator):
        low, high = self.spec.operand_min, self.spec.operand_max
        return generator.integers(low, high, (2, SAMPLES), endpoint=True)

    def _log_uniform(self, generator):
        """Every characteristic is as likely as any other; the bits below it are uniform."""
        signed = self.spec.signed
        characteristic = generator.integers(0, self.spec.width - signed, (2, SAMPLES))
        one = np.int64(1) << characteristic
        magnitude = one + generator.integers(0, one)
        negative = signed & generator.integers(0, 2, (2, SAMPLES)).astype(bool)
        return np.where(negative, -magnitude, magnitude)


def _all_pairs(values: np.ndarray) -> np.ndarray:
    return np.array(list(itertools.product(values.tolist(), repeat=2)), dtype=np.int64).T
