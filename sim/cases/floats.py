"""The cases of all floating-point multipliers: the special values, and the exponent's ends."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mbm_hw.multipliers import FloatSpec, multiply
from mbm_hw.multipliers.parameters import clipped
from sim.cases.bins import Case, crossed, first_of, flag
from sim.cases.registry import cases_of

EXHAUSTIVE_WIDTH = 8
EXHAUSTIVE_MANTISSA_BITS = 8
SAMPLES = 10_000  # of each kind: uniform, and at the ends of the exponent's range
DIRECTED_SAMPLES = 2_000  # of each kind of mantissas that chance would not bring


@cases_of(FloatSpec)
class FloatCases:
    """Operands, bins and the narrow twin of a float spec; operands are patterns."""

    def __init__(self, spec: FloatSpec):
        self.spec = spec

    def all_operands(self) -> np.ndarray:
        """Return the legal operands."""
        return np.arange(1 << self.spec.width)

    def is_exhaustive(self) -> bool:
        """Return whether `pairs` are all pairs."""
        return self.spec.width <= EXHAUSTIVE_WIDTH

    def pairs(self, generator: np.random.Generator) -> np.ndarray:
        """Return patterns a and b, int64 [2, pairs].

        All pairs up to 8 bits. Above, the corners crossed; 10,000 pairs drawn uniformly; 10,000
        whose product is at an end of the exponent's range; 2,000 of each kind of mantissas at which
        something changes. Up to 8 mantissa bits, all pairs of mantissas too: in the middle and at
        each end of that range.
        """
        spec = self.spec
        if self.is_exhaustive():
            return _all_pairs(self.all_operands().tolist())
        drawn = generator.integers(0, 1 << spec.mantissa_bits, (2, SAMPLES))
        ends = self.ends()
        kinds = [
            _all_pairs(self.corners()),
            generator.integers(0, 1 << spec.width, (2, SAMPLES)),
            self._at(generator, drawn, ends),
        ]
        kinds += [self._at(generator, pairs, ends) for pairs in self.mantissas(generator)]
        if spec.mantissa_bits <= EXHAUSTIVE_MANTISSA_BITS:
            mantissas = np.indices((1 << spec.mantissa_bits,) * 2).reshape(2, -1)
            for exponents in (ends[0:1], ends[1:4], ends[4:]):
                kinds.append(self._at(generator, mantissas, exponents))
        return np.concatenate(kinds, axis=1)

    def mantissas(self, generator: np.random.Generator) -> Iterable[np.ndarray]:
        """Yield pairs of mantissas that chance would not bring, each int64 [2, pairs]."""
        return ()

    def corners(self) -> list[int]:
        """Return the patterns at which something changes: zeros, subnormals, ends, infinities,
        NaNs.
        """
        spec = self.spec
        half = 1 << (spec.mantissa_bits - 1)
        mantissas = {0, 1, half - 1, half, min(half + 1, 2 * half - 1), 2 * half - 1}
        exponents = {0, 1, spec.exponent_bias, spec.exponent_max - 1, spec.exponent_max}
        return [
            int(self._pattern(sign, exponent, mantissa))
            for sign in (0, 1)
            for exponent in sorted(exponents)
            for mantissa in sorted(mantissas)
        ]

    def ends(self) -> list[int]:
        """Return exponent fields of products before normalisation: 1.0's, the ends."""
        top = self.spec.exponent_max
        return [self.spec.exponent_bias, -1, 0, 1, top - 2, top - 1, top]

    def bins(self, a: np.ndarray, b: np.ndarray) -> Iterator[Case]:
        """Yield the cases of pairs of operands."""
        spec = self.spec
        yield crossed("operands", self.kind(a), self.kind(b))
        product = multiply(spec, a, b).astype(np.int64)
        # Which products have a mantissa of ones depends on the truncation: they count as numbers.
        yield crossed("product", self.kind(product, ones=-1))
        exponents, mantissas = zip(*(self._fields(x) for x in (a, b)), strict=True)
        numbers = np.logical_and(*((e > 0) & (e < spec.exponent_max) for e in exponents))
        exponent = (exponents[0] + exponents[1] - spec.exponent_bias)[numbers]
        ends = ["below", "lowest - 1", "lowest", "between", "highest", "highest + 1", "above"]
        top = spec.exponent_max - 1
        edge = first_of(
            exponent < 0, exponent == 0, exponent == 1, exponent < top, exponent == top,
            exponent == top + 1,
        )  # fmt: skip
        signs = flag((a ^ b)[numbers] >> (spec.width - 1), ("positive", "negative"))
        yield crossed("exponent before normalisation", (ends, edge), signs)
        yield from self.mantissa_bins(*(mantissa[numbers] for mantissa in mantissas), signs)

    def mantissa_bins(self, i: np.ndarray, j: np.ndarray, signs: Case) -> Iterator[Case]:
        """Yield the cases of pairs of numbers' mantissas, whose products have `signs`."""
        return iter(())

    def twin(self) -> FloatSpec:
        """Return a spec of at most 11 bits that has the same bins."""
        spec = self.spec
        if spec.mantissa_bits < 6:
            return clipped(spec, exponent_bits=min(spec.exponent_bits, 4))
        # From 6 mantissa bits on, something of MBM's constant is left with a carry too.
        return clipped(spec, exponent_bits=3, mantissa_bits=6)

    def kind(self, pattern: np.ndarray, ones: int | None = None) -> Case:
        """Return the kinds of patterns; ones : the mantissa of the kind 1.1...1."""
        spec = self.spec
        ones = (1 << spec.mantissa_bits) - 1 if ones is None else ones
        exponent, mantissa = self._fields(pattern)
        kinds = ["0", "subnormal", "NaN", "infinity", "1.0", "1.1...1", "number"]
        kind = first_of(
            (exponent == 0) & (mantissa == 0), exponent == 0,
            (exponent == spec.exponent_max) & (mantissa != 0), exponent == spec.exponent_max,
            mantissa == 0, mantissa == ones,
        )  # fmt: skip
        negative = pattern >> (spec.width - 1)
        return [f"{sign}{k}" for k in kinds for sign in "+-"], 2 * kind + negative

    def _fields(self, pattern):
        mantissa = pattern & ((1 << self.spec.mantissa_bits) - 1)
        return pattern >> self.spec.mantissa_bits & self.spec.exponent_max, mantissa

    def _pattern(self, sign, exponent, mantissa):
        return (sign << self.spec.exponent_bits | exponent) << self.spec.mantissa_bits | mantissa

    def _at(self, generator, mantissas, exponents):
        """Give mantissas [2, pairs] signs, and exponents that add up to one of `exponents`."""
        pairs = mantissas.shape[1]
        highest = self.spec.exponent_max - 1
        total = generator.choice(exponents, pairs) + self.spec.exponent_bias
        total = np.clip(total, 2, 2 * highest)  # of two numbers that are neither 0 nor infinite
        low, high = np.maximum(1, total - highest), np.minimum(highest, total - 1)
        first = generator.integers(low, high + 1)
        signs = generator.integers(0, 2, (2, pairs))
        return self._pattern(signs, np.stack([first, total - first]), mantissas)


def _all_pairs(values: Sequence[int]) -> np.ndarray:
    return np.array(list(itertools.product(values, repeat=2)), dtype=np.int64).T
