"""Exact integer factorisations of product tables, for units that multiply matrices of int8.

A product table of low rank is a short sum of products of one factor for each operand,

    T[a, b] * 2**scale = sum over r of U[r, a] * V[r, b] * 2**shifts[r],

and so a convolution of approximate products is one of `cost` times as many int8 products, summed in
int32, exactly.

How a logarithmic multiplier factors: for large operands its product is
2**(ka + kb) * G[i, j] with the fractions' classes i, j; G grows along i in steps of a few units, so
a unary code of i, 1 or 2 in each place, times G's steps is a sum of one term for each class. What
that leaves over, an integer matrix, concerns products with a small operand, whose bits below the
binary point are cut, and corners; it is peeled off in terms of rank 1.
"""

import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from mbm_hw.multipliers import (
    IntegerSpec,
    LogSpec,
    as_spec,
    multiply,
    pattern_values,
)
from mbm_hw.multipliers.lowering import LogProducts
from mbm_hw.ops.cuda.integer_terms import cover, fit, halve, lattice, peel

MAX_TERMS = 192
MAX_CLASSES = 1024
"""Operands that multiply differently, up to the sign; more are refused, for their table's size."""
INT32_MAX = _PRIME = 2**31 - 1
NARROW, PLANE = 8, 6
"""Operands of more octaves than NARROW go by planes: PLANE octaves share a term, scaled down."""
PASS = 4
"""Terms that another shift is worth: it takes an accumulator, and its terms are padded apart."""


@dataclass(frozen=True, eq=False)
class Factorization:
    """A product table as a sum of products of int8 factors; see `factorize`.

    spec : the integer spec.
    u, v : int8 [cost, 2**width], read-only: the factors of the first and the second operand,
        indexed by term and by the operand's two's-complement pattern.
    shifts : for each term the power of two that its products count; the largest first.
    scale : the sum of all terms is the product times 2**scale.
    base : a spec whose product is left out of the sum, or None.
    """

    spec: IntegerSpec
    u: np.ndarray
    v: np.ndarray
    shifts: tuple[int, ...]
    scale: int
    base: LogSpec | None = None

    @property
    def cost(self) -> int:
        """The int8 products that one approximate product takes: the number of terms."""
        return len(self.shifts)

    @functools.cached_property
    def max_terms(self) -> int:
        """The most products whose terms of any one shift sum up in int32, in whatever order.

        No partial sum leaves int32 then.
        """
        largest, shifts = 1, np.array(self.shifts)
        for shift in set(self.shifts):
            u, v = (
                np.unique(np.abs(factors[shifts == shift].astype(np.int64)), axis=1)
                for factors in (self.u, self.v)
            )
            largest = max(largest, int((u.T @ v).max()))
        return INT32_MAX // largest

    def multiply(self, a, b) -> np.ndarray:
        """Return the products as the factors give them, int64: the reference's, less the base's.

        a, b : integers or integer arrays, broadcast together: values from spec.operand_min to
            spec.operand_max (not checked).
        """
        mask = (1 << self.spec.width) - 1
        a, b = np.broadcast_arrays(np.asarray(a) & mask, np.asarray(b) & mask)
        total = np.zeros(a.shape, np.int64)
        for u, v, shift in zip(self.u, self.v, self.shifts, strict=True):
            total += u[a].astype(np.int64) * v[b] << shift
        remainder = total & ((1 << self.scale) - 1)
        if remainder.any():
            raise ArithmeticError(f"{self.spec}: a sum of terms is no multiple of 2**{self.scale}")
        return (total >> self.scale)[()]


@functools.lru_cache(maxsize=256)
def factorize(spec: IntegerSpec | str, base: LogSpec | None = None) -> Factorization:
    """Return a factorisation of the spec's product table into few int8 factors, exact.

    base : Mitchell's spec of an MBM without truncation, whose products are subtracted before: what
        is left takes fewer terms.

    A ValueError says why where there is none of at most MAX_TERMS terms, or where too many operands
    multiply differently to look for one.
    """
    operands, index = _operand_classes(spec := as_spec(spec))
    if spec.lowering() is None and (least := rank(spec)) > MAX_TERMS:
        raise ValueError(f"{spec}: the table takes {least} int8 terms, more than {MAX_TERMS}")
    low, high = _factor_range(spec, operands)
    best = None
    for leading, scale in _leading_terms(spec, base, operands):
        ends = [[]]
        if not spec.is_exact:
            ends = _rests(_table(spec, operands, base) << scale, leading, low, high)
        for rest in ends:
            terms = [fitting for term in leading + rest for fitting in fit(*term, low, high)]
            shifts = [shift for *_, shift in terms]
            order = (len(terms) + PASS * len(set(shifts)), sum(shifts), scale)
            if best is None or order < best[0]:
                best = order, terms, scale
    _, terms, scale = best
    if (cost := len(terms)) > MAX_TERMS:
        raise ValueError(f"{spec}: the table takes {cost} int8 terms, more than {MAX_TERMS}")
    terms.sort(key=lambda term: -term[2])
    u, v = (_by_pattern(spec, [term[side] for term in terms], index) for side in (0, 1))
    return Factorization(spec, u, v, tuple(shift for *_, shift in terms), scale, base)


def rank(spec: IntegerSpec | str) -> int:
    """Return the rank of the spec's product table: no factorisation has fewer terms.

    Of the table modulo the prime 2**31 - 1, which is never more than the rank in the integers.
    """
    operands, _ = _operand_classes(spec := as_spec(spec))
    rest = _table(spec, operands) % _PRIME
    found = 0
    while rest.any():
        i, j = np.argwhere(rest)[0]
        inverse = pow(int(rest[i, j]), -1, _PRIME)
        rest = (rest - (rest[:, j] * inverse % _PRIME)[:, None] * rest[i]) % _PRIME
        found += 1
    return found


def factorization_rows(specs: Iterable[IntegerSpec | str]) -> list[dict]:
    """Return a row for each spec: what its factorisation costs, beside the rank, the least."""
    return [
        {
            "spec": found.spec.identifier,
            "rank": rank(found.spec),
            "cost": found.cost,
            "scale": found.scale,
            "accumulators": len(set(found.shifts)),
            "int32 terms": found.max_terms,
        }
        for found in map(factorize, specs)
    ]


def _is_odd(spec) -> bool:
    """Whether -a multiplies as a does, but for the sign, by the spec's definition."""
    return spec.signed and (spec.takes_magnitudes or spec.is_exact)


def _operand_classes(spec) -> tuple[np.ndarray, np.ndarray]:
    """Return an operand of each class, and for each pattern its class; -1 for factors of 0.

    The operands of a class multiply alike; those of odd specs up to the sign, and the operands
    returned are magnitudes.
    """
    if spec.is_float:
        raise TypeError(f"spec must be an integer multiplier spec such as MBM(8), not {spec!r}")
    values = pattern_values(spec)
    if spec.lowering() is None and not _is_odd(spec):
        return values, np.arange(len(values))
    magnitudes = np.arange(1, spec.magnitude_max + 1)
    keys = magnitudes
    if type(spec.lowering()) is LogProducts:
        characteristic, fraction = spec.log2(magnitudes)
        keys = characteristic.astype(np.int64) << spec.width | fraction.astype(np.int64)
    _, first, index = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) > MAX_CLASSES and not spec.is_exact:
        raise ValueError(
            f"{spec}: at most {MAX_CLASSES} operands may multiply differently, not {len(first)}"
        )
    by_magnitude = np.concatenate([[-1], index])
    legal = np.abs(values) < len(by_magnitude)
    return magnitudes[first], np.where(legal, by_magnitude[np.where(legal, np.abs(values), 0)], -1)


def _table(spec, operands, base=None) -> np.ndarray:
    """Return the operands' products, less the base's, of magnitudes where the spec is odd."""
    signs = -operands if _is_odd(spec) else operands
    table = multiply(spec, signs[:, None], signs)
    return table if base is None else table - multiply(base, signs[:, None], signs)


def _factor_range(spec, operands) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest int8 factor for each operand's class."""
    if not _is_odd(spec):
        return np.full(len(operands), -128), np.full(len(operands), 127)
    # Both signs must fit; but of the largest magnitude there may be the negative operand alone.
    lonely = operands == -spec.operand_min
    lonely &= operands > spec.operand_max
    return np.full(len(operands), -127), np.where(lonely, 128, 127)


def _by_pattern(spec, factors, index) -> np.ndarray:
    """Return the classes' factors, int8 [terms, 2**width], by the operands' patterns."""
    factors = np.array(factors, np.int64).reshape(len(factors), index.max() + 1)
    factors = np.concatenate([factors, np.zeros((len(factors), 1), np.int64)], axis=1)[:, index]
    if _is_odd(spec):
        factors = np.where(pattern_values(spec) < 0, -factors, factors)
    factors = factors.astype(np.int8)
    factors.setflags(write=False)
    return factors


def _leading_terms(spec, base, operands):
    """Yield (terms, scale): terms (u, v, shift) whose sum comes near the table times 2**scale.

    What they miss is to be small; it is all of the table where no structure is known.
    """
    if spec.is_exact:
        yield [(operands, operands, 0)], 0
    elif base is not None:
        yield from _correction_terms(spec, operands)
    elif type(spec.lowering()) is LogProducts:
        yield from _log_terms(spec, operands)
    else:
        yield [], 0


def _correction_terms(spec, operands):
    """Yield the correction, a constant times 2**(ka + kb), as one term, of the larger operands."""
    power = 1 << spec.log2(operands)[0].astype(np.int64)
    constant, unit = Fraction(spec.corrections[0], 1 << spec.fraction_width).as_integer_ratio()
    for bits in range(unit.bit_length()):
        yield [(constant * power >> bits, power * (1 << bits) // unit, 0)], 0


def _log_terms(spec, operands):
    characteristic, fraction = (part.astype(np.int64) for part in spec.log2(operands))
    fractions, classes = np.unique(fraction, return_inverse=True)
    code, steps, fraction_bits = _unary(spec, fractions)
    code, steps, largest = code[:, classes], steps[:, classes], int(characteristic.max())
    if largest <= NARROW:  # int8 holds all octaves but the lowest few bits of the smallest ones
        least = max(0, largest - 7)
        for bits_a, bits_b in itertools.product(range(least, least + 5), repeat=2):
            scale = fraction_bits - bits_a - bits_b
            u, v = halve(code << characteristic, bits_a), halve(steps << characteristic, bits_b)
            yield [(a, b, max(-scale, 0)) for a, b in zip(u, v, strict=True)], max(scale, 0)
    if largest >= NARROW:
        scale, planes = max(fraction_bits, 0), range(largest // PLANE + 1)
        plane, octave = np.divmod(characteristic, PLANE)
        yield (
            [
                (a, b, PLANE * (p + q) + scale - fraction_bits)
                for p, q in itertools.product(planes, repeat=2)
                for a, b in zip(
                    np.where(plane == p, code << octave, 0),
                    np.where(plane == q, steps << octave, 0),
                    strict=True,
                )
            ],
            scale,
        )


def _unary(spec, fractions) -> tuple[np.ndarray, np.ndarray, int]:
    """Return (code, steps, bits): code.T @ steps * 2**-bits is the significand of two fractions."""
    one = 1 << spec.fraction_width
    carry, fraction = np.divmod(fractions[:, None] + fractions, one)
    significands = one + fraction + np.array(spec.corrections)[carry] << carry
    code = 1 + np.tri(len(fractions), dtype=np.int64).T
    code[0] = 1
    steps = np.diff(significands, axis=0, prepend=0)
    steps[0] = 2 * significands[0] - significands[-1]
    unit = np.gcd.reduce(steps, axis=None)
    unit &= -unit
    steps //= unit
    # What the first steps have in common may stand in the code: the smaller both, the better.
    common, height = int(np.gcd.reduce(steps[0])), int(np.abs(steps[0]).max())
    divisors = (part for part in range(1, common + 1) if common % part == 0)
    moved = min(divisors, key=lambda part: max(part, height // part), default=1)
    code[0] *= moved
    steps[0] //= moved
    return code, steps, spec.fraction_width - int(unit).bit_length() + 1


def _rests(rest, leading, low, high):
    """Yield terms for what the leading terms miss of a table, found in different orders."""
    for u, v, shift in leading:
        rest = rest - (np.outer(u, v) << shift)
    found = [peel(rest, low, high), cover(rest)]
    if len(leading) <= 1:
        found.append(lattice(rest))
    for terms in found:
        if terms is not None:
            yield [(u, v, 0) for u, v in terms]
