"""REALM's factors, by the integrals that define them."""

import numpy as np

from mbm_hw.multipliers import REALM
from proof.terms import choice, word

POINTS = 100
"""Midpoints along a segment: no factor is so near a half that more would change it."""


def factors(m: int, bits: int) -> np.ndarray:
    """Return the factors, integers [m, m] in units of 2**-bits.

    A factor makes the mean relative error of its pair of segments 0: the integral of Mitchell's
    relative error with its sign turned, by that of 1 / ((1 + x) (1 + y)), rounded half up.
    """
    middles = (np.arange(m * POINTS) + 0.5) / (m * POINTS)
    x, y = middles[:, None], middles
    density = 1 / ((1 + x) * (1 + y))
    lack = 1 - np.where(x + y < 1, 1 + x + y, 2 * (x + y)) * density
    lack, density = (z.reshape(m, POINTS, m, POINTS).sum((1, 3)) for z in (lack, density))
    return np.floor(lack / density * 2**bits + 0.5).astype(int)


def definitions(spec: REALM, width: int) -> str:
    """Return the function factor_of two segments."""
    bits = spec.m.bit_length() - 1
    words = [word(factor, width) for factor in factors(spec.m, 5 if spec.width <= 8 else 6).flat]
    segments = (f"((_ extract {bits - 1} 0) {x})" for x in "xy")
    return (
        f"(define-fun factor_at ((address (_ BitVec {2 * bits}))) Word\n"
        f"{choice(words, 'address', 2 * bits)})\n"
        f"(define-fun factor_of ((x Word) (y Word)) Word (factor_at (concat {' '.join(segments)})))"
    )
