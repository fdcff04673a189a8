"""Integer matrices as sums of products of a column and a row: of terms of rank 1, in int8."""

import numpy as np

PIVOTS = 40
"""Elements that are tried for a term whose factors fit int8."""
LATTICE_RANK, REDUCTIONS = 48, 10_000
"""The largest rank for which a basis is sought, and the steps after which that is given up."""
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


def lattice(matrix) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Return as many terms as the matrix's rank: a short basis of the lattice of its rows.

    None where the rank is above LATTICE_RANK, or the basis was not found: it is sought in floating
    point, and checked in integers.
    """
    rows = np.unique(matrix, axis=0)
    basis = np.zeros((0, matrix.shape[1]), np.int64)
    for row in rows[np.argsort((rows**2).sum(1), kind="stable")]:
        if not np.array_equal(_coordinates(row[None], basis) @ basis, row[None]):
            basis = _reduce(np.concatenate([basis, row[None]]))
            if basis is None or len(basis) > LATTICE_RANK:
                return None
    coordinates = _coordinates(matrix, basis)
    if not np.array_equal(coordinates @ basis, matrix):
        return None
    return list(zip(coordinates.T, basis, strict=True))


def _coordinates(rows, basis) -> np.ndarray:
    """Return the integers nearest to the rows' coordinates."""
    if len(basis) == 0:
        return np.zeros((len(rows), 0), np.int64)
    solved, *_ = np.linalg.lstsq(basis.T.astype(float), rows.T.astype(float), rcond=None)
    return np.rint(solved.T).astype(np.int64)


def _reduce(vectors) -> np.ndarray | None:
    """Return a reduced basis of the lattice of integer vectors, one of which may depend on others.

    Ref: A. K. Lenstra, H. W. Lenstra, L. Lovasz, Math. Ann. 261, 1982; M. Pohst, J. Symbolic
    Computation 4, 1987 (for dependent vectors). None where rounding errors hindered it.
    """
    vectors, k = vectors.copy(), 1
    for _ in range(REDUCTIONS):
        if k >= len(vectors):
            return vectors
        for j in reversed(range(k)):
            triangle = np.linalg.qr(vectors[: k + 1].T.astype(float), mode="r")
            if abs(triangle[j, j]) > 0.5:
                vectors[k] -= int(np.rint(triangle[j, k] / triangle[j, j])) * vectors[j]
        if not vectors[k].any():
            vectors, k = np.delete(vectors, k, axis=0), max(k - 1, 1)
            continue
        triangle = np.linalg.qr(vectors[: k + 1].T.astype(float), mode="r")
        last, over, own = triangle[k - 1, k - 1], triangle[k - 1, k], triangle[k, k]
        if own**2 + over**2 < 0.75 * last**2:
            vectors[[k - 1, k]] = vectors[[k, k - 1]]
            k = max(k - 1, 1)
        else:
            k += 1
    return None
