"""Functional coverage: which cases of the arithmetic the operand pairs of a design exercise.

A bin is a case in words that mean the same at every width. Those that can be hit are those that
some pair of the design's narrow twin hits, all of whose pairs are gone through. Every pair that is
counted is simulated and its product checked.
"""

import dataclasses
import functools
import itertools
from collections import Counter

import numpy as np

from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import (
    FloatExact,
    FloatMBM,
    FloatSpec,
    IntegerSpec,
    LogSpec,
    Spec,
    multiply,
    pattern_values,
)

_CORRECTED = "below 2", "to 2 or more"  # the significand


def covered(spec: Spec, a: np.ndarray, b: np.ndarray) -> Counter:
    """Return how many of the operand pairs hit each bin; a, b are what `multiply` takes."""
    cases = _float_cases if isinstance(spec, FloatSpec) else _integer_cases
    counts = Counter()
    for names, index in cases(spec, a, b):
        hits = np.bincount(index, minlength=len(names))
        counts.update({name: int(n) for name, n in zip(names, hits, strict=True) if n})
    return counts


def handshake(operands_valid: int, operands_ready: int, product_valid: int, product_ready: int):
    """Return the bin of a clock of a stream multiplier."""
    return f"operands {operands_valid}{operands_ready}, product {product_valid}{product_ready}"


def control(rst: int, en: int):
    """Return the bin of a clock of a pipelined multiplier."""
    return f"rst {rst}, en {en}"


def protocol(design: Design) -> frozenset[str]:
    """Return the bins of the clocks that there can be.

    Operands are refused after a product was stalled, and that product is then still there: they
    are never refused without a valid product. Without stages, operands that are not refused and a
    valid product are one and the same.
    """
    bits = (0, 1)
    if design.stream:
        clocks = itertools.product(bits, repeat=4)
        return frozenset(
            handshake(*clock)
            for clock in clocks
            if (clock[1] or clock[2]) and (design.pipeline or not clock[1] or clock[0] == clock[2])
        )
    return frozenset(control(rst, en) for rst in bits for en in bits if design.pipeline)


@functools.cache
def reachable(spec: Spec) -> frozenset[str]:
    """Return the bins that some pair of operands hits."""
    twin = _twin(spec)
    operands = np.arange(1 << twin.width)
    if isinstance(twin, IntegerSpec):
        values = pattern_values(twin)
        operands = values[values >= twin.operand_min]
    pairs = np.meshgrid(operands, operands, indexing="ij")
    return frozenset(covered(twin, *(operand.ravel() for operand in pairs)))


def _twin(spec):
    """Return the spec of at most 11 bits that has the same cases."""
    return _float_twin(spec) if isinstance(spec, FloatSpec) else _integer_twin(spec)


def _integer_twin(spec):
    if spec.width <= 8:
        return spec
    if not getattr(spec, "truncation", 0):
        return dataclasses.replace(spec, width=8)
    # A signed operand's fraction ends in a 0: only a second dropped bit is one of its own.
    dropped = min(spec.truncation, 1 + spec.signed)
    width = 7 + dropped
    kept = min(spec.fraction_width - spec.truncation, width - 1 - dropped)
    return dataclasses.replace(spec, width=width, truncation=width - 1 - kept)


def _float_twin(spec):
    if spec.mantissa_bits < 6:
        return dataclasses.replace(spec, exponent_bits=min(spec.exponent_bits, 4))
    if not getattr(spec, "truncation", 0):
        # From 6 mantissa bits on, something of MBM's constant is left with a carry too.
        return dataclasses.replace(spec, exponent_bits=3, mantissa_bits=6)
    kept = spec.fraction_width - spec.truncation
    if isinstance(spec, FloatMBM) and kept >= 7:
        # Nothing is cut from the constant, and a forced bit is all that is left of truncation.
        return FloatMBM(3, 7, force_lsb=True)
    return dataclasses.replace(spec, exponent_bits=3, mantissa_bits=7, truncation=max(1, 7 - kept))


def _crossed(prefix, *cases):
    """Return the names and the index of the cross of cases, each the names and an index."""
    names = [
        f"{prefix}: {' x '.join(cross)}" for cross in itertools.product(*(c for c, _ in cases))
    ]
    index = 0
    for case, choice in cases:
        index = index * len(case) + choice
    return names, index


def _flag(flag, names=("no", "yes")):
    return names, np.asarray(flag).astype(np.int64)


def _choice(*conditions):
    """Return the index of the first condition that holds; one more if none does."""
    return np.select(conditions, range(len(conditions)), default=len(conditions))


def _integer_cases(spec: IntegerSpec, a, b):
    yield _crossed("operands", _operand_kind(spec, a), _operand_kind(spec, b))
    yield _crossed("product is 0", _flag(multiply(spec, a, b) == 0))
    if isinstance(spec, LogSpec):
        yield from _log_cases(spec, *(x[(a != 0) & (b != 0)] for x in (a, b)))


def _operand_kind(spec, x):
    kinds = ["0", "1", "2**k", "2**k - 1", "other"]
    magnitude = np.abs(x)
    kind = _choice(
        magnitude == 0,
        magnitude == 1,
        magnitude & (magnitude - 1) == 0,
        magnitude & (magnitude + 1) == 0,
    )
    if not spec.signed:
        return kinds, kind
    return [f"{sign}{k}" for k in kinds for sign in "+-"], 2 * kind + (x < 0)


def _log_cases(spec, a, b):
    characteristic, fraction = zip(*(_log2(spec, np.abs(x)) for x in (a, b)), strict=True)
    total = fraction[0] + fraction[1]
    one = 1 << spec.fraction_width
    carry = total // one
    characteristic = characteristic[0] + characteristic[1] + carry
    corrected = total % one + np.array(spec.corrections)[carry]
    carries = _flag(carry, ("no carry", "carry"))
    signs = [_flag((a < 0) != (b < 0), ("positive", "negative"))] if spec.signed else []
    top = 2 * spec.width - 1 - spec.signed
    ends = _choice(characteristic <= 6, characteristic < top)
    is_overflow = (characteristic == 2 * spec.width - 1) & (corrected >= one)
    is_small = (carry == 1) & (characteristic <= spec.small_characteristic)
    yield _crossed("operands", _operand_kind(spec, a), carries, _operand_kind(spec, b))
    yield _crossed("correction", carries, _flag(corrected >= one, _CORRECTED), *signs)
    yield _crossed("characteristic", (["at most 6", "between", "highest"], ends), carries, *signs)
    yield _crossed("overflow corner", _flag(is_overflow), *signs)
    yield _crossed("small product", _flag(is_small), *signs)


def _log2(spec, x):
    characteristic = np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
    fraction = (x << (spec.fraction_width - characteristic)) - (1 << spec.fraction_width)
    if spec.truncation:
        fraction = (fraction >> spec.truncation | 1) << spec.truncation
    return characteristic, fraction


def _float_cases(spec: FloatSpec, a, b):
    yield _crossed("operands", _float_kind(spec, a), _float_kind(spec, b))
    product = multiply(spec, a, b).astype(np.int64)
    # Which products have a mantissa of ones depends on the truncation: they count as numbers.
    yield _crossed("product", _float_kind(spec, product, ones=-1))
    exponents, mantissas = zip(*(_fields(spec, x) for x in (a, b)), strict=True)
    numbers = np.logical_and(*((e > 0) & (e < spec.exponent_max) for e in exponents))
    exponent = (exponents[0] + exponents[1] - spec.exponent_bias)[numbers]
    ends = ["below", "lowest - 1", "lowest", "between", "highest", "highest + 1", "above"]
    top = spec.exponent_max - 1
    edge = _choice(
        exponent < 0, exponent == 0, exponent == 1, exponent < top, exponent == top,
        exponent == top + 1,
    )  # fmt: skip
    signs = _flag((a ^ b)[numbers] >> (spec.width - 1), ("positive", "negative"))
    yield _crossed("exponent before normalisation", (ends, edge), signs)
    i, j = (mantissa[numbers] for mantissa in mantissas)
    cases = _rounding_cases if isinstance(spec, FloatExact) else _correction_cases
    yield from cases(spec, i, j, signs)


def _fields(spec, pattern):
    mantissa = pattern & ((1 << spec.mantissa_bits) - 1)
    return pattern >> spec.mantissa_bits & spec.exponent_max, mantissa


def _float_kind(spec, pattern, ones=None):
    ones = (1 << spec.mantissa_bits) - 1 if ones is None else ones
    exponent, mantissa = _fields(spec, pattern)
    kinds = ["0", "subnormal", "NaN", "infinity", "1.0", "1.1...1", "number"]
    kind = _choice(
        (exponent == 0) & (mantissa == 0), exponent == 0,
        (exponent == spec.exponent_max) & (mantissa != 0), exponent == spec.exponent_max,
        mantissa == 0, mantissa == ones,
    )  # fmt: skip
    negative = pattern >> (spec.width - 1)
    return [f"{sign}{k}" for k in kinds for sign in "+-"], 2 * kind + negative


def _rounding_cases(spec, i, j, signs):
    one = 1 << spec.mantissa_bits
    product = (one + i) * (one + j)
    increment = product >> (2 * spec.mantissa_bits + 1)
    half = np.int64(one) << increment >> 1
    kept, rest = product // (2 * half), product % (2 * half)
    yield _crossed(
        "rounding",
        _flag(increment, ("below 2", "2 or more")),
        _flag(kept & 1, ("even", "odd")),
        (["exact", "down", "tie", "up"], _choice(rest == 0, rest < half, rest == half)),
        signs,
    )
    yield _crossed("rounded up to 2", _flag((kept == 2 * one - 1) & (rest >= half)), signs)


def _correction_cases(spec, i, j, signs):
    one = 1 << spec.mantissa_bits
    total = sum(_float_fraction(spec, mantissa) for mantissa in (i, j))
    carry = total // one
    corrected = total % one + np.array(spec.corrections)[carry]
    carries = _flag(carry, ("no carry", "carry"))
    yield _crossed("correction", carries, _flag(corrected >= one, _CORRECTED), signs)


def _float_fraction(spec, mantissa):
    if spec.truncation:
        return (mantissa >> spec.truncation | 1) << spec.truncation
    return mantissa | spec.forced
