"""How wrong a multiplier is: the field's error metrics of a spec.

error = approximate - exact; relative error RE = error / exact; error distance ED = |error|.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mbm_hw.reference import multiply
from mbm_hw.spec import Exact, IntegerSpec

MAX_EXHAUSTIVE_PAIRS = 2**26
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
    spec: IntegerSpec, samples: int | None = None, seed: int = 0, include_zeros: bool = False
) -> ErrorMetrics:
    """Return the error metrics of `spec`.

    samples : operand pairs drawn uniformly (with repetition); None counts every pair, which is a
        ValueError above 2**26 pairs (13 bits).
    seed : of the sample; the same seed gives the same figures.
    include_zeros : count pairs with a zero operand as well, their relative error as 0: how the
        MBM paper counts. Otherwise only pairs of nonzero operands are counted.
    """
    if samples is None:
        pairs = (spec.operand_max - spec.operand_min + 1) ** 2
        if pairs > MAX_EXHAUSTIVE_PAIRS:
            raise ValueError(
                f"{spec} has {pairs} operand pairs, more than {MAX_EXHAUSTIVE_PAIRS}: give samples"
            )
        chunks = _all_pairs(spec, include_zeros)
    elif samples < 1:
        raise ValueError(f"samples must be at least 1, not {samples}")
    else:
        chunks = _sampled_pairs(spec, samples, np.random.default_rng(seed), include_zeros)

    exact_spec = Exact(max(spec.width, Exact.MIN_WIDTH), spec.signed)
    sums, extremes, count = np.zeros(5), np.array([np.inf, -np.inf, 0.0]), 0
    for a, b in chunks:
        exact = multiply(exact_spec, a, b)
        # Neighbouring 64-bit integers may share a float64: subtract as integers (they wrap safely).
        error = (multiply(spec, a, b).astype(np.uint64) - exact.astype(np.uint64)).astype(np.int64)
        error = error.astype(np.float64)
        relative = 100 * np.divide(error, exact, out=np.zeros(error.shape), where=exact != 0)
        distance = np.abs(error)
        terms = (relative, np.abs(relative), relative**2, distance, distance != 0)
        sums += [term.sum(dtype=np.float64) for term in terms]
        extremes[0] = min(extremes[0], relative.min())
        extremes[1] = max(extremes[1], relative.max())
        extremes[2] = max(extremes[2], distance.max())
        count += exact.size
    bias, mred, mean_square, med, error_rate = (float(total) / count for total in sums)
    variance = max(mean_square - bias**2, 0.0)
    return ErrorMetrics(
        bias=bias,
        mred=mred,
        peak_min=float(extremes[0]),
        peak_max=float(extremes[1]),
        variance=variance,
        med=med,
        nmed=med / spec.magnitude_max**2,
        wce=float(extremes[2]),
        error_rate=error_rate,
        standard_error=0.0 if samples is None else (variance / count) ** 0.5,
        pairs=count,
        exhaustive=samples is None,
    )


METRICS = tuple(field.name for field in dataclasses.fields(ErrorMetrics))


def _all_pairs(spec: IntegerSpec, include_zeros: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    operands = np.arange(spec.operand_min, spec.operand_max + 1)
    if not include_zeros:
        operands = operands[operands != 0]
    rows = max(_CHUNK_PAIRS // operands.size, 1)
    for start in range(0, operands.size, rows):
        yield np.broadcast_arrays(operands[start : start + rows, None], operands)


def _sampled_pairs(
    spec: IntegerSpec, samples: int, generator: np.random.Generator, include_zeros: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    low, high = spec.operand_min, spec.operand_max
    for start in range(0, samples, _CHUNK_PAIRS):
        shape = (2, min(_CHUNK_PAIRS, samples - start))
        if include_zeros:
            yield tuple(generator.integers(low, high, shape, endpoint=True))
        else:  # uniform over the nonzero operands: the values from 0 up stand for themselves + 1
            drawn = generator.integers(low, high - 1, shape, endpoint=True)
            yield tuple(drawn + (drawn >= 0))
