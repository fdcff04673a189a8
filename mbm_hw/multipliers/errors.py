"""How wrong a multiplier is: the field's error metrics of a spec.

error = approximate - exact; relative error RE = error / exact; error distance ED = |error|.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mbm_hw.multipliers.names import as_spec
from mbm_hw.multipliers.parameters import checked_integer
from mbm_hw.multipliers.reference import mantissa_product, multiply
from mbm_hw.multipliers.spec import Spec

MAX_EXHAUSTIVE_PAIRS = 2**26
MAX_SAMPLES = 2**36
"""The operand pairs that a sample may have: about an hour of work."""
MAX_SEED = 2**63 - 1
_CHUNK_PAIRS = 2**20


@dataclass(frozen=True)
class ErrorMetrics:
    """The error metrics of one multiplier.

    Absolute metrics count every pair of operands:
    med, wce : mean and worst-case ED, in units of the product. nmed : med by the largest exact
        product's magnitude, a fraction. mse : mean squared error, in units of the product squared.
    error_rate : share of wrong products, 0 to 1.
    pairs : how many pairs that is. exhaustive : whether they are all there are.

    Relative metrics count the pairs whose exact product is not 0 (see `include_zeros` of
    `error_metrics`):
    bias : mean RE, in percent. mred : mean |RE|, in percent.
    peak_min, peak_max : the extreme RE, in percent.
    variance : population variance of RE, in percent squared.
    standard_error : of the bias, in percent: sqrt(variance / relative_pairs) for a sample (that of
        mred is never larger), 0 for an exhaustive count.
    relative_pairs : how many pairs that is.
    """

    bias: float
    mred: float
    peak_min: float
    peak_max: float
    variance: float
    standard_error: float
    relative_pairs: int
    med: float
    nmed: float
    wce: float
    mse: float
    error_rate: float
    pairs: int
    exhaustive: bool


def error_metrics(
    spec: Spec | str, samples: int | None = None, seed: int = 0, include_zeros: bool = False
) -> ErrorMetrics:
    """Return the error metrics of `spec`, a spec or its name.

    samples : pairs drawn uniformly (with repetition) from all pairs of operands, zeros among them,
        at most MAX_SAMPLES; None counts every pair, which is a ValueError above 2**26 pairs (13
        bits).
    seed : of the sample; the same seed gives the same figures.
    include_zeros : let the relative metrics count the pairs with a zero operand too, their relative
        error as 0 whatever the product is: the MBM paper counts so. Absolute metrics are the same.

    A sample without a pair that the relative metrics count is a ValueError.

    For float specs, over pairs of significands, 1 + i / 2**M for the stored mantissas i: their
    products, 1 to 4, in units of 2**-2M; none is 0, and include_zeros changes nothing.
    """
    spec = as_spec(spec)
    operands = _Operands.of(spec)
    relative_sums, absolute_sums = np.zeros(3), np.zeros(3)
    peak_min, peak_max, wce = np.inf, -np.inf, 0.0
    relative_pairs = pairs = 0
    for error, relative in _errors(spec, operands, samples, seed, include_zeros):
        distance = np.abs(error)
        absolute_sums += [term.sum() for term in (distance, distance**2, distance != 0)]
        wce = max(wce, distance.max())
        pairs += error.size
        if relative.size:
            relative_sums += [term.sum() for term in (relative, np.abs(relative), relative**2)]
            peak_min, peak_max = min(peak_min, relative.min()), max(peak_max, relative.max())
            relative_pairs += relative.size
    if not relative_pairs:
        raise ValueError(f"no exact product of {spec} but 0 is in a sample of {pairs}: take more")
    bias, mred, mean_square = (float(total) / relative_pairs for total in relative_sums)
    med, mse, error_rate = (float(total) / pairs for total in absolute_sums)
    variance = max(mean_square - bias**2, 0.0)
    return ErrorMetrics(
        bias=bias,
        mred=mred,
        peak_min=float(peak_min) + 0.0,  # no -0.0
        peak_max=float(peak_max) + 0.0,
        variance=variance,
        standard_error=0.0 if samples is None else (variance / relative_pairs) ** 0.5,
        relative_pairs=relative_pairs,
        med=med,
        nmed=med / operands.largest_product,
        wce=float(wce),
        mse=mse,
        error_rate=error_rate,
        pairs=pairs,
        exhaustive=samples is None,
    )


def error_histogram(
    spec: Spec | str, edges: np.ndarray, samples: int | None = None, seed: int = 0
) -> np.ndarray:
    """Return how many pairs of operands have a relative error in each bin, int64 [len(edges) - 1].

    edges : of the bins, in percent, rising; a bin holds its lower edge, the last one both. Errors
        beyond the outer edges are not counted.
    spec, samples, seed : those of `error_metrics`. The pairs are the `relative_pairs` of its
        result, without zeros.
    """
    spec, counts = as_spec(spec), np.zeros(len(edges) - 1, np.int64)
    for _, relative in _errors(spec, _Operands.of(spec), samples, seed, include_zeros=False):
        counts += np.histogram(relative, edges)[0]
    return counts


METRICS = tuple(field.name for field in dataclasses.fields(ErrorMetrics))


def pair_count(spec: Spec | str) -> int:
    """Return how many pairs of operands there are: those that an exhaustive count takes."""
    return _Operands.of(as_spec(spec)).size ** 2


def _errors(
    spec: Spec, operands: "_Operands", samples: int | None, seed: int, include_zeros: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the errors, chunk by chunk: of all pairs, in units of the product; relative, percent.

    The relative ones are those of the pairs whose exact product is not 0, or of all.
    """
    if samples is None:
        pairs = operands.size**2
        if pairs > MAX_EXHAUSTIVE_PAIRS:
            raise ValueError(
                f"{spec} has {pairs} operand pairs, more than {MAX_EXHAUSTIVE_PAIRS}: give samples"
            )
        chunks = operands.all_pairs()
    else:
        samples = checked_integer("samples", samples, 1, MAX_SAMPLES)
        seed = checked_integer("seed", seed, 0, MAX_SEED)
        chunks = operands.sampled_pairs(samples, np.random.default_rng(seed))
    for a, b in chunks:
        approximate, exact = _products(spec, a, b)
        # Neighbouring 64-bit integers may share a float64: subtract as integers (they wrap safely).
        error = (approximate.astype(np.uint64) - exact.astype(np.uint64)).astype(np.int64)
        error = error.astype(np.float64)
        nonzero = exact != 0
        relative = 100 * np.divide(error, exact, out=np.zeros(error.shape), where=nonzero)
        yield error, relative if include_zeros else relative[nonzero]


def _products(spec: Spec, a, b) -> tuple[np.ndarray, np.ndarray]:
    """Return the approximate and the exact products, 64-bit integers in one unit."""
    if not spec.is_float:
        return multiply(spec, a, b), multiply(spec.exact(), a, b)
    one = 1 << spec.mantissa_bits
    increment, mantissa = np.divmod(mantissa_product(spec, a, b), one)
    return (one + mantissa) << (spec.mantissa_bits + increment), (one + a) * (one + b)


class _Operands(NamedTuple):
    """The integers from `low` to `high`, and the largest magnitude of their exact products."""

    low: int
    high: int
    largest_product: int

    @classmethod
    def of(cls, spec: Spec) -> "_Operands":
        if spec.is_float:  # stored mantissas
            one = 1 << spec.mantissa_bits
            return cls(0, one - 1, (2 * one - 1) ** 2)
        return cls(spec.operand_min, spec.operand_max, spec.magnitude_max**2)

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def all_pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        operands = np.arange(self.low, self.high + 1)
        rows = max(_CHUNK_PAIRS // operands.size, 1)
        for start in range(0, operands.size, rows):
            yield np.broadcast_arrays(operands[start : start + rows, None], operands)

    def sampled_pairs(self, samples: int, generator: np.random.Generator):
        for start in range(0, samples, _CHUNK_PAIRS):
            shape = (2, min(_CHUNK_PAIRS, samples - start))
            yield tuple(generator.integers(self.low, self.high, shape, endpoint=True))
