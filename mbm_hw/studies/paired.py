"""The change of a metric between two networks on the same images, and a test for chance.

The images are the sample: a change is noise where other images might as well have shown none.

Values that are right or wrong (1 or 0 an image) are tested by McNemar's exact test: only images on
which the two differ count, and each is a gain or a loss with probability 1/2 if nothing changed.
The interval is the one that belongs to it, the exact conditional interval: Clopper and Pearson's
for the share of gains, times the images that differ.

Other values are tested by sign flips: if nothing changed, each image's difference might as well
have the other sign. The interval is the one that belongs to it: the mean difference lies between
two quantiles of the means of random subsets of the images. This assumes that differences are
symmetric, not that they are normal: a few images that differ among many that do not are judged as
by McNemar's test. With fewer than SIGN_FLIPS_FROM images nothing is unlikely enough. Student's t is
used there if all of them differ; it takes the differences to be normal.

References
----------
Q. McNemar, Psychometrika 12, 1947. C. J. Clopper and E. S. Pearson, Biometrika 26, 1934.
R. G. Newcombe, Statistics in Medicine 17, 1998: the exact conditional interval for paired data.
J. A. Hartigan, J. Amer. Statist. Assoc. 64, 1969: means of subsets as limits of confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
SIGN_FLIPS_FROM = 6
"""Images: the least for which 2 / 2**images is below 1 - CONFIDENCE."""
ALL_SUBSETS_TO = 13
"""Images that differ: of more, SUBSETS are drawn with SEED."""
SUBSETS, SEED = 1999, 0
SIZES = 32
"""Number of sizes, equally probable, that stand for all sizes of a random subset of the images
that do not differ."""
TESTS = (
    "Metrics that are right or wrong are tested by McNemar's exact test, means by sign flips, or "
    f"by Student's t for fewer than {SIGN_FLIPS_FROM} images."
)
"""A sentence for the readers of tables."""


@dataclass(frozen=True)
class Change:
    """The change of a metric against the baseline, over the same images.

    percent : of the averages, (value - baseline) / baseline; nan where the baseline is 0.
    low, high : see `paired_interval`. test : see `paired_test`.
    differing : images on which the two differ.
    """

    percent: float
    low: float
    high: float
    test: str
    differing: int

    @property
    def is_noise(self) -> bool:
        """True if the interval holds 0, or if there is no interval: the change may be chance.

        With McNemar's test and with sign flips that is a p-value above 5 %.
        """
        return not (self.low > 0 or self.high < 0)


def paired_test(values: Sequence[float], baselines: Sequence[float]) -> str:
    """Return how the change of a metric, one value an image, is tested.

    One of `McNemar`, `sign flips`, `Student's t` and `none`, as the module says; `none` where no
    image differs, or too few do.
    """
    differences = np.subtract(values, baselines)
    if not differences.any():
        return "none"
    if np.isin([values, baselines], (0, 1)).all():
        return "McNemar"
    if len(differences) >= SIGN_FLIPS_FROM:
        return "sign flips"
    return "Student's t" if len(differences) > 1 and differences.all() else "none"


def paired_interval(values: Sequence[float], baselines: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % confidence interval of the mean of values - baselines, paired by image.

    It belongs to the test that `paired_test` names; (nan, nan) where there is none.
    """
    return _INTERVALS[paired_test(values, baselines)](np.subtract(values, baselines))


def _mcnemar(differences: np.ndarray) -> tuple[float, float]:
    differing = int(np.count_nonzero(differences))
    gains = int(np.count_nonzero(differences > 0))
    share = stats.binomtest(gains, differing).proportion_ci(CONFIDENCE, "exact")
    low, high = ((2 * end - 1) * differing / len(differences) for end in share)
    return float(low), float(high)


def _sign_flips(differences: np.ndarray) -> tuple[float, float]:
    """Return the limits that leave the same share of the subsets' means beyond each of them.

    The empty subset, which has no mean, lies beyond both.
    """
    differing = differences[differences != 0]
    subsets, others = _subsets(len(differing), len(differences) - len(differing))
    parts = np.array_split(subsets, 1 + subsets.size // 2**22)
    sums = np.concatenate([part @ differing for part in parts])[:, None]
    sizes = subsets.sum(1, dtype=np.int64)[:, None] + others
    means = np.divide(sums, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0)
    beyond = int((1 - CONFIDENCE) / 2 * means.size)
    low = np.sort(np.nan_to_num(means, nan=-np.inf), axis=None)[beyond]
    high = np.sort(np.nan_to_num(means, nan=np.inf), axis=None)[-1 - beyond]
    return float(low), float(high)


def _subsets(differing: int, same: int) -> tuple[np.ndarray, np.ndarray]:
    """Return subsets of the images that differ, uint8 [N, differing], and sizes [N or 1, M].

    The sizes are those of the subsets of the other images, M equally probable ones to each of N.
    """
    if differing <= ALL_SUBSETS_TO:
        subsets = (np.arange(2**differing)[:, None] >> np.arange(differing)) & 1
        shares = (np.arange(SIZES) + 0.5) / SIZES
        return subsets, stats.binom.ppf(shares, same, 0.5)[None].astype(np.int64)
    generator = np.random.default_rng(SEED)
    drawn = generator.integers(0, 2, (SUBSETS, differing), dtype=np.uint8)
    empty = np.zeros((1, differing), np.uint8)  # stands for the signs that were found
    others = np.append(generator.binomial(same, 0.5, SUBSETS), 0)
    return np.concatenate([drawn, empty]), others[:, None]


def _students_t(differences: np.ndarray) -> tuple[float, float]:
    mean, error = differences.mean(), stats.sem(differences)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(differences) - 1) * error
    return float(mean - half), float(mean + half)


def _none(differences: np.ndarray) -> tuple[float, float]:
    return float("nan"), float("nan")


_INTERVALS = {
    "McNemar": _mcnemar,
    "sign flips": _sign_flips,
    "Student's t": _students_t,
    "none": _none,
}
