"""A study's rows, averaged over images and laid beside their baselines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mbm_hw.catalog import spec_name
from mbm_hw.studies.description import FLOAT, Study
from mbm_hw.studies.evaluation import EVALUATIONS

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Change:
    """How a metric changed against the baseline.

    percent : of the averages, (value - baseline) / baseline; nan where the baseline is 0.
    low, high : the paired 95 % confidence interval of the mean difference over images (Student's
        t), in the metric's unit; nan for a single image.
    """

    percent: float
    low: float
    high: float

    @property
    def is_noise(self) -> bool:
        """Whether the interval holds 0, or there is none: then nothing can be said."""
        return not (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Summary:
    """One multiplier in one layer set, over all images.

    averages : metric -> average. changes : metric -> change against `baseline`; empty for the
    baselines themselves and for float. seconds : mean a image. multiplications : approximate ones
    an image.
    """

    spec: str
    layer_set: str
    baseline: str
    images: int
    averages: Mapping[str, float]
    changes: Mapping[str, Change]
    seconds: float
    multiplications: int


def percent_change(value: float, baseline: float) -> float:
    """Return 100 * (value - baseline) / baseline; nan where the baseline is 0."""
    return 100 * (value - baseline) / baseline if baseline else float("nan")


def paired_interval(values: Sequence[float], baselines: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % confidence interval of the mean of values - baselines, paired by image."""
    differences = np.subtract(values, baselines)
    if len(differences) < 2:
        return float("nan"), float("nan")
    mean, error = differences.mean(), stats.sem(differences)
    if error == 0:
        return float(mean), float(mean)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(differences) - 1) * error
    return float(mean - half), float(mean + half)


def summarize(study: Study, rows: Iterable[Mapping]) -> list[Summary]:
    """Return a summary for each multiplier and layer set, in the order of the rows.

    A baseline's rows must be of the same images as those compared with it; else a ValueError.
    """
    evaluation = EVALUATIONS[study.metrics]
    groups = defaultdict(list)
    for row in rows:
        groups[row["spec"], row["layer_set"]].append(row)
    baselines = {spec_name(s): spec_name(study.baseline(s)) for s in study.all_specs}
    summaries = []
    for (spec, layer_set), members in groups.items():
        averages = evaluation.average(members)
        baseline = baselines.get(spec, FLOAT)
        changes = {}
        if spec not in (baseline, FLOAT):
            others = groups.get((baseline, layer_set), [])
            if [row["image"] for row in members] != [row["image"] for row in others]:
                raise ValueError(f"{spec} in {layer_set}: its images are not those of {baseline}")
            reference = evaluation.average(others)
            for metric in evaluation.metrics:
                pairs = [[row[metric] for row in side] for side in (members, others)]
                percent = percent_change(averages[metric], reference[metric])
                changes[metric] = Change(percent, *paired_interval(*pairs))
        summaries.append(
            Summary(
                spec=spec,
                layer_set=layer_set,
                baseline=baseline,
                images=len(members),
                averages=averages,
                changes=changes,
                seconds=float(np.mean([row["seconds"] for row in members])),
                multiplications=members[0]["multiplications"],
            )
        )
    return summaries


def summary_table(summaries: Sequence[Summary]) -> tuple[list[str], list[list[str]]]:
    """Return headers and cells, a layer set's multipliers side by side.

    A cell is an average and its change in percent; `~` marks a change that may be noise.
    """
    metrics = list(summaries[0].averages)
    headers = ["layers", "multiplier", *metrics, "s/image"]
    order = list(dict.fromkeys(summary.layer_set for summary in summaries))
    cells = []
    for summary in sorted(summaries, key=lambda s: order.index(s.layer_set)):
        values = [_cell(summary.averages[m], summary.changes.get(m)) for m in metrics]
        cells.append([summary.layer_set, summary.spec, *values, f"{summary.seconds:.3f}"])
    return headers, cells


def _cell(value: float, change: Change | None) -> str:
    if change is None:
        return f"{value:.3f}"
    return f"{value:.3f} {change.percent:+.1f}%{'~' if change.is_noise else ''}"
