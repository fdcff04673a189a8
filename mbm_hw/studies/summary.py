"""A study's rows, averaged over images and laid beside their baselines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mbm_hw.studies.description import FLOAT, Study, multiplier_name
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
    """One multiplier, in an algorithm, in one layer set, over all images.

    averages : metric -> average. changes : metric -> change against `baseline`, which is called as
    `multiplier` calls it; empty for the baselines themselves and for float.
    seconds, products_per_second, layer_sqnr_db, output_sqnr_db : means over the images, and
    layer_max_error, output_max_error, peak_mib : maxima, of what `Batch.score` says; None where it
        says nothing.
    multiplications : approximate ones an image. approximate_percent : of all of the network's.
    """

    spec: str
    algorithm: str
    layer_set: str
    baseline: str
    images: int
    averages: Mapping[str, float]
    changes: Mapping[str, Change]
    seconds: float
    multiplications: int
    approximate_percent: float
    products_per_second: float | None
    layer_sqnr_db: float | None
    layer_max_error: float | None
    output_sqnr_db: float | None
    output_max_error: float | None
    peak_mib: float | None

    @property
    def multiplier(self) -> str:
        return multiplier_name(self.spec, self.algorithm)


MEANS = ("seconds", "products_per_second", "layer_sqnr_db", "output_sqnr_db")
MAXIMA = ("layer_max_error", "output_max_error", "peak_mib")


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
        groups[row["spec"], row["algorithm"], row["layer_set"]].append(row)
    baselines = {study.name_of(s): study.name_of(study.baseline(s)) for s in study.all_specs}
    summaries = []
    for (spec, algorithm, layer_set), members in groups.items():
        averages = evaluation.average(members)
        baseline = baselines.get(spec, FLOAT)
        changes = {}
        if spec not in (baseline, FLOAT):
            others = groups.get((baseline, algorithm, layer_set), [])
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
                algorithm=algorithm,
                layer_set=layer_set,
                baseline=multiplier_name(baseline, algorithm),
                images=len(members),
                averages=averages,
                changes=changes,
                multiplications=members[0]["multiplications"],
                approximate_percent=100
                * members[0]["multiplications"]
                / members[0]["network_multiplications"],
                **{name: _combined(np.mean, members, name) for name in MEANS},
                **{name: _combined(np.max, members, name) for name in MAXIMA},
            )
        )
    return summaries


def _combined(combine, rows: Sequence[Mapping], name: str) -> float | None:
    values = [row[name] for row in rows]
    return None if None in values else float(combine(values))


def summary_tables(summaries: Sequence[Summary]) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return title -> headers and cells, a layer set's multipliers side by side, float first.

    The metrics and the test time, each with its change in percent beside it, `~` marking one that
    may be noise; the paired intervals of the changes; what else was measured.
    """
    metrics = list(summaries[0].averages)
    order = list(dict.fromkeys(summary.layer_set for summary in summaries))
    summaries = sorted(summaries, key=lambda s: order.index(s.layer_set))
    seconds = {(s.multiplier, s.layer_set): s.seconds for s in summaries}

    def time_cell(summary: Summary) -> str:
        if not summary.changes:
            return f"{summary.seconds:.3f}"
        before = seconds[summary.baseline, summary.layer_set]
        return f"{summary.seconds:.3f} {percent_change(summary.seconds, before):+.1f}%"

    def table(headers, cells_of, rows):
        cells = [[summary.layer_set, summary.multiplier, *cells_of(summary)] for summary in rows]
        return ["layers", "multiplier", *headers], cells

    return {
        "Metrics": table(
            [*metrics, "test time, s"],
            lambda s: [*(_cell(s.averages[m], s.changes.get(m)) for m in metrics), time_cell(s)],
            summaries,
        ),
        "95 % intervals of the changes, in the metrics' units": table(
            metrics,
            lambda s: [_interval(s.changes[m]) for m in metrics],
            [summary for summary in summaries if summary.changes],
        ),
        "Errors of outputs, and what was measured": table(
            [heading for heading, _, _, _ in MEASURES],
            lambda s: [measure(getattr(s, name), *how) for _, name, *how in MEASURES],
            summaries,
        ),
    }


MEASURES = (  # heading, field, unit, format
    ("layer SQNR, dB", "layer_sqnr_db", 1, ".1f"),
    ("layer max error", "layer_max_error", 1, ".3g"),
    ("output SQNR, dB", "output_sqnr_db", 1, ".1f"),
    ("output max error", "output_max_error", 1, ".3g"),
    ("multiplications", "multiplications", 1, ","),
    ("approximate, %", "approximate_percent", 1, ".1f"),
    ("10^9 products/s", "products_per_second", 10**9, ".2f"),
    ("peak memory, MiB", "peak_mib", 1, ".0f"),
)


def measure(value: float | None, unit: int, style: str) -> str:
    """Return the cell of a measure, empty for None; unit and style : of MEASURES."""
    return "" if value is None else format(value if unit == 1 else value / unit, style)


def _interval(change: Change) -> str:
    return "one image" if np.isnan(change.low) else f"{change.low:+.4f} {change.high:+.4f}"


def _cell(value: float, change: Change | None) -> str:
    if change is None:
        return f"{value:.4f}"
    return f"{value:.4f} {change.percent:+.1f}%{'~' if change.is_noise else ''}"
