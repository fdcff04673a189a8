"""Changes that may be chance: paired tests against published figures, each other and simulation."""

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy import stats

from mbm_hw.studies.paired import SIGN_FLIPS_FROM, Change, paired_interval, paired_test


def is_marked_real(differences):
    low, high = paired_interval(differences, np.zeros(len(differences)))
    return low > 0 or high < 0


def gains_and_losses(gains, losses, images):
    """Return right-or-wrong values and baselines."""
    values = [1] * gains + [0] * losses + [1] * (images - gains - losses)
    return values, [0] * gains + [1] * (images - gains)


@pytest.mark.parametrize("images", [40, 500])
@pytest.mark.parametrize("differing", range(1, 31))
def test_right_or_wrong_changes_are_real_exactly_where_mcnemars_exact_test_says_so(
    differing, images
):
    wrongly = 0
    for gains in range(differing + 1):
        values, baselines = gains_and_losses(gains, differing - gains, images)
        low, high = paired_interval(values, baselines)
        p = stats.binomtest(gains, differing).pvalue
        assert (low > 0 or high < 0) == (p < 0.05), (gains, differing)
        assert low <= (2 * gains - differing) / images <= high
        wrongly += (p < 0.05) * comb(differing, gains) / 2**differing
    assert wrongly <= 0.05


def test_four_gains_of_500_images_are_noise():
    """p = 0.125; an interval by Student's t excludes 0."""
    values, baselines = gains_and_losses(4, 0, 500)
    assert paired_test(values, baselines) == "McNemar"
    change = Change(0.9, *paired_interval(values, baselines), "McNemar", 4)
    assert change.is_noise


def test_the_interval_of_gains_is_clopper_and_pearsons():
    """Their interval for 8 of 10 is 0.4439 to 0.9748 (any table)."""
    values, baselines = gains_and_losses(8, 2, 100)
    expected = (2 * 0.4439 - 1) / 10, (2 * 0.9748 - 1) / 10
    assert paired_interval(values, baselines) == pytest.approx(expected, abs=1e-4)


def sign_flip_p(differences):
    """Return the p-value by all signs of all images, in a plain loop."""
    sums = [np.dot(signs, differences) for signs in product((-1, 1), repeat=len(differences))]
    reached = [s >= sum(differences) - 1e-12 for s in sums]
    return 2 * min(np.mean(reached), np.mean([s <= sum(differences) + 1e-12 for s in sums]))


@pytest.mark.parametrize("images", [6, 8, 10])
@pytest.mark.parametrize("zeros", [0, 2, 4])
def test_means_are_real_exactly_where_sign_flips_say_so(images, zeros):
    generator = np.random.default_rng(images + zeros)
    marks = set()
    for shift in np.linspace(-1.5, 1.5, 13):
        differences = np.append(generator.normal(shift, 1, images - zeros), np.zeros(zeros))
        marks.add(is_marked_real(differences))
        assert is_marked_real(differences) == (sign_flip_p(differences) <= 0.05)
    assert False in marks


@pytest.mark.parametrize("differing", [3, 4, 5, 6, 8, 10, 13, 15, 20])
def test_a_few_images_that_differ_among_many_are_real_by_chance_in_5_percent_at_most(differing):
    """Values that are no 0 and 1 are tested by sign flips, which then is McNemar's test."""
    wrongly = 0
    for gains in range(differing + 1):
        differences = np.zeros(500)
        differences[:differing], differences[:gains] = -0.5, 0.5
        wrongly += is_marked_real(differences) * comb(differing, gains) / 2**differing
        p = stats.binomtest(gains, differing).pvalue
        assert is_marked_real(differences) == (p < 0.05) or 0.03 < p < 0.07
    assert wrongly <= 0.05


def test_means_of_many_images_have_the_interval_of_student():
    differences = np.random.default_rng(0).normal(0.1, 1, 400)
    mean, error = differences.mean(), stats.sem(differences)
    expected = stats.t.interval(0.95, 399, mean, error)
    found = paired_interval(differences, np.zeros(400))
    assert paired_test(differences, np.zeros(400)) == "sign flips"
    assert found == pytest.approx(expected, abs=0.15 * error)


def test_the_mean_lies_in_95_of_100_intervals():
    generator = np.random.default_rng(1)
    for images in (8, 30):
        held = 0
        for _ in range(400):
            low, high = paired_interval(generator.laplace(0.3, 1, images), np.zeros(images))
            held += low <= 0.3 <= high
        assert 0.92 <= held / 400 <= 0.98


def test_few_images_are_tested_by_students_t_if_all_of_them_differ():
    """Differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t(0.975, 2) = 4.3027 (any table)."""
    low, high = paired_interval([11, 22, 33], [10, 20, 30])
    assert (low, high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-4)
    few = SIGN_FLIPS_FROM - 1
    assert paired_test([0.5] * few, [0.4] * few) == "Student's t"
    assert paired_test([0.5] * few, [0.4] * (few - 1) + [0.5]) == "none"
    assert paired_test([0.5], [0.4]) == "none"


def test_no_difference_is_noise():
    for values in ([1, 0, 1], [0.3] * 9):
        assert paired_test(values, values) == "none"
        assert Change(0.0, *paired_interval(values, values), "none", 0).is_noise
