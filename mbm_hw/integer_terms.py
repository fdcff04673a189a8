"""Integer matrices as sums of products of a column and a row: of terms of rank 1, in int8."""

import numpy as np

PIVOTS = 40
"""Elements that are tried for a term whose factors fit int8."""
DIGIT_BITS = 7
"""Factors beyond int8 are split into digits of so many bits, -64 to 63."""


def peel(rest, low, high) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return integer terms (u, v) that sum up to the matrix `rest`: as many as its rank, or near.

    Each takes out a row and a column that meet in an element that divides either, preferably those
    that touch the fewest others; where no such factors fit int8, a row.
    """
    terms = []
    while rest.any():
        row_gcd, column_gcd = np.gcd.reduce(rest, axis=1), np.gcd.reduce(rest, axis=0)
        rows, columns = np.nonzero(rest)
        element = np.abs(rest[rows, columns])
        divides = (element == row_gcd[rows]) | (element == column_gcd[columns])
        rows, columns, element = rows[divides], columns[divides], element[divides]
        in_rows, in_columns = ((rest != 0).sum(axis) for axis in (1, 0))
        term = _line(rest, 0, int(np.argmax(in_rows)))
        touched = (in_rows[rows] - 1) * (in_columns[columns] - 1)
        for nearest in np.lexsort((element, touched))[:PIVOTS]:
            i, j = rows[nearest], columns[nearest]
            u, v = rest[:, j], rest[i]
            u, v = (u // v[j], v) if abs(v[j]) == column_gcd[j] else (u, v // u[i])
            if all((low <= factor).all() and (factor <= high).all() for factor in (u, v)):
                term = u, v
                break
        terms.append(term)
        rest = rest - np.outer(*term)
    return terms


def cover(rest) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return terms that sum up to `rest`, each a whole row or column: the fullest that is left."""
    terms = []
    while rest.any():
        _, axis, index = max(
            (int(counts.max()), axis, int(np.argmax(counts)))
            for axis, counts in enumerate((rest != 0).sum(other) for other in (1, 0))
        )
        terms.append(_line(rest, axis, index))
        rest = rest - np.outer(*terms[-1])
    return terms


def _line(matrix, axis, index) -> tuple[np.ndarray, np.ndarray]:
    """Return (u, v) whose outer product is the row (axis 0) or column of the matrix, alone."""
    there = (np.arange(matrix.shape[axis]) == index).astype(np.int64)
    line = np.take(matrix, index, axis=axis)
    return (line, there) if axis else (there, line)


def fit(u, v, shift, low, high) -> list[tuple[np.ndarray, np.ndarray, int]]:
    """Return the term as terms of int8 factors: itself, with common factors moved, or digits."""

    def fits(factor):
        return (low <= factor).all() and (factor <= high).all()

    if not (u.any() and v.any()):
        return []
    if fits(u) and fits(v):
        return [(u, v, shift)]
    common_u, common_v = np.gcd.reduce(u), np.gcd.reduce(v)
    common = int(common_u * common_v)
    if fits(u // common_u) and fits(v // common_v):
        for more in range(16):
            if common % (1 << more):
                break
            for part in range(1, 128):
                if (common >> more) % part:
                    continue
                a, b = u // common_u * part, v // common_v * ((common >> more) // part)
                if fits(a) and fits(b):
                    return [(a, b, shift + more)]
    digits_u, digits_v = ([(f, 0)] if fits(f) else _digits(f) for f in (u, v))
    return [(a, b, shift + i + j) for a, i in digits_u for b, j in digits_v]


def _digits(factor) -> list[tuple[np.ndarray, int]]:
    """Return the factor as digits of DIGIT_BITS bits, each with its power of two."""
    half, digits, power = 1 << (DIGIT_BITS - 1), [], 0
    while factor.any():
        digit = ((factor + half) & (2 * half - 1)) - half
        factor = (factor - digit) >> DIGIT_BITS
        if digit.any():
            digits.append((digit, power))
        power += DIGIT_BITS
    return digits


def halve(factors, times) -> np.ndarray:
    """Return factors / 2**times, rounded so that sums over the first terms are the nearest ones."""
    sums = (np.cumsum(factors, axis=0) + (1 << times >> 1)) >> times
    return np.diff(sums, axis=0, prepend=0)
