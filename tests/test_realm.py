"""REALM's constants and its legal truncations."""

import numpy as np
import pytest
from family_vectors import realm

from mbm_hw.multipliers import REALM


@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("m", [4, 8, 16])
def test_factors_are_those_of_the_integral(m, width):
    factors = REALM(width=width, m=m).factors
    assert np.array_equal(factors, realm.factors(m, 5 if width == 8 else 6))


def test_factors_are_the_published_ones():
    published = [[1, 3, 5, 4], [3, 9, 12, 5], [5, 12, 9, 3], [4, 5, 3, 1]]
    assert REALM(width=16, m=4).factors.tolist() == published
    assert REALM(width=16, m=8).factors[0].tolist() == [0, 1, 1, 2, 2, 3, 3, 2]


def test_truncation_keeps_all_bits_of_a_factor_but_one():
    with pytest.raises(ValueError, match="truncation must be an integer 0 to 10, not 11"):
        REALM(width=16, m=8, truncation=11)
    with pytest.raises(ValueError, match="truncation must be an integer 0 to 3, not 4"):
        REALM(width=8, m=8, truncation=4)
