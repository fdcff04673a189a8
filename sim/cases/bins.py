"""Bins: the names of cases, and of each pair of operands the case that it is."""

import itertools
from collections.abc import Sequence

import numpy as np

Case = tuple[Sequence[str], np.ndarray]
"""Names, and for each pair the index of one."""


def crossed(prefix: str, *cases: Case) -> Case:
    """Return the cross of cases, each name behind `prefix`."""
    names = [
        f"{prefix}: {' x '.join(cross)}" for cross in itertools.product(*(c for c, _ in cases))
    ]
    index = 0
    for case, choice in cases:
        index = index * len(case) + choice
    return names, index


def flag(is_: np.ndarray, names: Sequence[str] = ("no", "yes")) -> Case:
    """Return the case of a condition."""
    return names, np.asarray(is_).astype(np.int64)


def first_of(*conditions: np.ndarray) -> np.ndarray:
    """Return the index of the first condition that holds; one more if none does."""
    return np.select(conditions, range(len(conditions)), default=len(conditions))
