"""Functional coverage: what can be hit is, and what is not hit is missed."""

import numpy as np
import pytest

from mbm_hw.multipliers import CATALOG, MBM, Mitchell
from sim.coverage import covered, reachable
from sim.vectors import operand_pairs


@pytest.mark.parametrize("kind", [MBM, Mitchell])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("width", [9, 16])
def test_the_operands_hit_what_can_be_hit_and_nothing_else(width, signed, kind):
    """Whatever the truncation: the narrow twin has the cases of the spec."""
    for truncation in range(width - 1 - signed):
        spec = kind(width, truncation, signed)
        assert set(covered(spec, *operand_pairs(spec))) == reachable(spec), spec


@pytest.mark.parametrize("name", ["mbm16s", "mbm16s_t8", "mbm_bf16", "exact_fp32"])
def test_negative_products_have_bins_of_their_own(name):
    spec = CATALOG[name]
    a, b = operand_pairs(spec)
    sign = 1 << (spec.width - 1)
    positive = (a < 0) == (b < 0) if name.startswith("mbm16s") else (a ^ b) & sign == 0
    missed = reachable(spec) - set(covered(spec, a[positive], b[positive]))
    negative = {case for case in reachable(spec) if case.endswith("negative")}
    assert negative <= missed
    assert len(negative) >= 6
    assert not any(case.endswith("positive") for case in missed)


def test_operands_are_crossed_with_the_carry():
    spec = MBM(16, signed=True)
    hit = covered(spec, np.array([-3]), np.array([3]))
    assert hit["operands: -2**k - 1 x carry x +2**k - 1"] == 1
    assert hit["correction: carry x below 2 x negative"] == 1
    assert hit["small product: yes x negative"] == 1
    assert not any(case.endswith("positive") for case in hit)


def test_what_no_operands_reach_is_no_bin():
    """Only the square of the most negative operand has the highest characteristic."""
    cases = reachable(MBM(16, signed=True))
    assert "characteristic: highest x no carry x positive" in cases
    assert "characteristic: highest x no carry x negative" not in cases
    assert "overflow corner: yes x positive" not in cases
