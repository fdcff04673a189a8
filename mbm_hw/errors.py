"""How wrong a multiplier is: the field's error metrics of a spec.

error = approximate - exact; relative error RE = error / exact; error distance ED = |error|.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mbm_hw.float_reference import mantissa_product
from mbm_hw.float_spec import FloatSpec
from mbm_hw.reference import multiply
from mbm_hw.spec import Exact, Spec

MAX_EXHAUSTIVE_PAIRS = 2**26
MAX_SAMPLES = 2**36
"""The operand pairs that a sample may have: about an hour of work."""
_CHUNK_PAIRS = 2**20


@dataclass(frozen=True)
class ErrorMetrics:
    """The error metrics of one multiplier; see `error_metrics` for what was counted.

    bias : mean RE, in percent. mred : mean |RE|, in percent.
    peak_min, peak_max : the extreme RE, in percent.
    variance : population variance of RE, in percent squared.
    med, wce : mean and worst-case ED, in units of the product. nmed : med by the largest exact
        product's magnitude, a fraction. error_rate : share of wrong products, 0 to 1.
    standard_error : of the bias, in percent: sqrt(variance / pairs) for a sample (that of mred is
        never larger), 0 for an exhaustive count.
    pairs : operand pairs counted. exhaustive : whether they were all there are.
    """

    bias: float
    mred: float
    peak_min: float
    peak_max: float
    variance: float
    med: float
    nmed: float
    wce: float
    error_rate: float
    standard_error: float
    pairs: int
    exhaustive: bool


def error_metrics(
    spec: Spec, samples: int | None = None, seed: int = 0, include_zeros: bool = False
) -> ErrorMetrics:
    """Return the error metrics of `spec`.

    samples : operand pairs drawn uniformly (with repetition), at most MAX_SAMPLES; None counts
        every pair, which is a ValueError above 2**26 pairs (13 bits).
    seed : of the sample; the same seed gives the same figures.
    include_zeros : count pairs with a zero operand as well, their relative error as 0: how the
        MBM paper counts. Otherwise only pairs of nonzero operands are counted.

    For float specs, over pairs of significands, 1 + i / 2**M for the stored mantissas i: their
    products, 1 to 4, in units of 2**-2M; include_zeros changes nothing.
    """
    sums, extremes, count = np.zeros(5), np.array([np.inf, -np.inf, 0.0]), 0
    operands = _Operands.of(spec, include_zeros)
    for error, relative in _errors(spec, operands, samples, seed):
        distance = np.abs(error)
        terms = (relative, np.abs(relative), relative**2, distance, distance != 0)
        sums += [term.sum(dtype=np.float64) for term in terms]
        extremes[0] = min(extremes[0], relative.min())
        extremes[1] = max(extremes[1], relative.max())
        extremes[2] = max(extremes[2], distance.max())
        count += error.size
    bias, mred, mean_square, med, error_rate = (float(total) / count for total in sums)
    variance = max(mean_square - bias**2, 0.0)
    return ErrorMetrics(
        bias=bias,
        mred=mred,
        peak_min=float(extremes[0]),
        peak_max=float(extremes[1]),
        variance=variance,
        med=med,
        nmed=med / operands.largest_product,
        wce=float(extremes[2]),
        error_rate=error_rate,
        standard_error=0.0 if samples is None else (variance / count) ** 0.5,
        pairs=count,
        exhaustive=samples is None,
    )


def error_histogram(
    spec: Spec, edges: np.ndarray, samples: int | None = None, seed: int = 0
) -> np.ndarray:
    """Return how many pairs of operands have a relative error in each bin, int64 [len(edges) - 1].

    edges : of the bins, in percent, rising; a bin holds its lower edge, the last one both. Errors
        beyond the outer edges are not counted.
    samples, seed, and the pairs that count: those of `error_metrics`, zeros left out.
    """
    counts = np.zeros(len(edges) - 1, np.int64)
    for _, relative in _errors(spec, _Operands.of(spec, False), samples, seed):
        counts += np.histogram(relative, edges)[0]
    return counts


METRICS = tuple(field.name for field in dataclasses.fields(ErrorMetrics))


def pair_count(spec: Spec, include_zeros: bool = False) -> int:
    """Return how many pairs of operands `error_metrics` would count exhaustively."""
    return _Operands.of(spec, include_zeros).count ** 2


def _errors(
    spec: Spec, operands: "_Operands", samples: int | None, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield error, in units of the product, and relative error, in percent, chunk by chunk."""
    if samples is None:
        pairs = operands.count**2
        if pairs > MAX_EXHAUSTIVE_PAIRS:
            raise ValueError(
                f"{spec} has {pairs} operand pairs, more than {MAX_EXHAUSTIVE_PAIRS}: give samples"
            )
        chunks = operands.all_pairs()
    elif not 1 <= samples <= MAX_SAMPLES:
        raise ValueError(f"samples must be 1 to {MAX_SAMPLES}, not {samples}")
    else:
        chunks = operands.sampled_pairs(samples, np.random.default_rng(seed))
    for a, b in chunks:
        approximate, exact = _products(spec, a, b)
        # Neighbouring 64-bit integers may share a float64: subtract as integers (they wrap safely).
        error = (approximate.astype(np.uint64) - exact.astype(np.uint64)).astype(np.int64)
        error = error.astype(np.float64)
        yield error, 100 * np.divide(error, exact, out=np.zeros(error.shape), where=exact != 0)


def _products(spec: Spec, a, b) -> tuple[np.ndarray, np.ndarray]:
    """Return the approximate and the exact products, 64-bit integers in one unit."""
    if not isinstance(spec, FloatSpec):
        exact = Exact(max(spec.width, Exact.MIN_WIDTH), spec.signed)
        return multiply(spec, a, b), multiply(exact, a, b)
    one = 1 << spec.mantissa_bits
    increment, mantissa = np.divmod(mantissa_product(spec, a, b), one)
    return (one + mantissa) << (spec.mantissa_bits + increment), (one + a) * (one + b)


@dataclass(frozen=True)
class _Operands:
    """Integers from `low` to `high`, without 0 unless `with_zero`; see `error_metrics`."""

    low: int
    high: int
    with_zero: bool
    largest_product: int

    @classmethod
    def of(cls, spec: Spec, include_zeros: bool) -> "_Operands":
        if isinstance(spec, FloatSpec):  # stored mantissas, of which 0 is one like another
            one = 1 << spec.mantissa_bits
            return cls(0, one - 1, True, (2 * one - 1) ** 2)
        return cls(spec.operand_min, spec.operand_max, include_zeros, spec.magnitude_max**2)

    @property
    def count(self) -> int:
        return self.high - self.low + self.with_zero

    def all_pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        operands = np.arange(self.low, self.high + 1)
        if not self.with_zero:
            operands = operands[operands != 0]
        rows = max(_CHUNK_PAIRS // operands.size, 1)
        for start in range(0, operands.size, rows):
            yield np.broadcast_arrays(operands[start : start + rows, None], operands)

    def sampled_pairs(self, samples: int, generator: np.random.Generator):
        for start in range(0, samples, _CHUNK_PAIRS):
            shape = (2, min(_CHUNK_PAIRS, samples - start))
            if self.with_zero:
                yield tuple(generator.integers(self.low, self.high, shape, endpoint=True))
            else:  # the values from 0 up stand for themselves + 1
                drawn = generator.integers(self.low, self.high - 1, shape, endpoint=True)
                yield tuple(drawn + (drawn >= 0))
