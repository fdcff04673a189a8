"""A study's rows, averaged over images and laid beside their baselines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mbm_hw.studies.description import FLOAT, Study, multiplier_name
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.paired import Change, paired_interval, paired_test


@dataclass(frozen=True)
class Summary:
    """One multiplier, in an algorithm, in one layer set, over all images.

    images : how many are scored; unscored : the numbers of those that cannot be.
    right : metric -> images that are right, of the metrics that are right or wrong for an image.
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
    unscored: tuple[int, ...]
    right: Mapping[str, int]
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


NUMBERED = 10
"""Largest number of unscored images that a text lists."""

MEANS = ("seconds", "products_per_second", "layer_sqnr_db", "output_sqnr_db")
MAXIMA = ("layer_max_error", "output_max_error", "peak_mib")


def percent_change(value: float, baseline: float) -> float:
    """Return 100 * (value - baseline) / baseline; nan where the baseline is 0."""
    return 100 * (value - baseline) / baseline if baseline else float("nan")


def summarize(study: Study, rows: Iterable[Mapping]) -> list[Summary]:
    """Return a summary for each multiplier and layer set, in the order of the rows.

    A baseline's rows must be of the same images as those compared with it, and the same ones of
    them must be scored; else this is a ValueError, as it is where no image is scored.
    """
    evaluation = EVALUATIONS[study.metrics]
    groups = defaultdict(list)
    for row in rows:
        groups[row["spec"], row["algorithm"], row["layer_set"]].append(row)
    baselines = {study.name_of(s): study.name_of(study.baseline(s)) for s in study.all_specs}
    summaries = []
    for (spec, algorithm, layer_set), rows in groups.items():
        members = list(filter(evaluation.is_scored, rows))
        averages = evaluation.average(rows)
        baseline = baselines.get(spec, FLOAT)
        changes = {}
        if spec not in (baseline, FLOAT):
            others = groups.get((baseline, algorithm, layer_set), [])
            others = list(filter(evaluation.is_scored, others))
            if [row["image"] for row in members] != [row["image"] for row in others]:
                raise ValueError(f"{spec} in {layer_set}: its images are not those of {baseline}")
            reference = evaluation.average(others)
            for metric in evaluation.metrics:
                values, before = ([row[metric] for row in side] for side in (members, others))
                changes[metric] = Change(
                    percent_change(averages[metric], reference[metric]),
                    *paired_interval(values, before),
                    test=paired_test(values, before),
                    differing=int(np.count_nonzero(np.subtract(values, before))),
                )
        summaries.append(
            Summary(
                spec=spec,
                algorithm=algorithm,
                layer_set=layer_set,
                baseline=multiplier_name(baseline, algorithm),
                images=len(members),
                unscored=tuple(row["image"] for row in rows if not evaluation.is_scored(row)),
                right={m: round(sum(r[m] for r in members)) for m in evaluation.right_or_wrong},
                averages=averages,
                changes=changes,
                multiplications=rows[0]["multiplications"],
                approximate_percent=100
                * rows[0]["multiplications"]
                / rows[0]["network_multiplications"],
                **{name: _combined(np.mean, rows, name) for name in MEANS},
                **{name: _combined(np.max, rows, name) for name in MAXIMA},
            )
        )
    return summaries


def _combined(combine, rows: Sequence[Mapping], name: str) -> float | None:
    values = [row[name] for row in rows]
    return None if None in values else float(combine(values))


def summary_tables(summaries: Sequence[Summary]) -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return title -> headers and cells, a layer set's multipliers side by side, float first.

    The metrics, with the images that are right where they are right or wrong, and the test time,
    each with its change in percent beside it, `~` marking one that may be noise; the intervals of
    the changes; what else was measured.
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
            lambda s: [*(_cell(s, metric) for metric in metrics), time_cell(s)],
            summaries,
        ),
        "95 % intervals of the changes, in the metrics' units": table(
            metrics,
            lambda s: [interval_text(s.changes[metric]) for metric in metrics],
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


def unscored_text(images: Sequence[int]) -> str:
    """Return what tables say of images without a valid target; nothing where there are none."""
    if not images:
        return ""
    numbers = ", ".join(map(str, images[:NUMBERED])) + (", ..." if len(images) > NUMBERED else "")
    verb = "is" if len(images) == 1 else "are"
    return f", {len(images)} of which {verb} not scored, without valid depth ({numbers})"


def interval_text(change: Change) -> str:
    """Return the interval of a change in words."""
    if change.test == "none":
        return "too few images" if change.differing else "no image differs"
    return f"{change.low:+.4f} to {change.high:+.4f}"


def _cell(summary: Summary, metric: str) -> str:
    text, change = f"{summary.averages[metric]:.4f}", summary.changes.get(metric)
    if metric in summary.right:
        text += f" ({summary.right[metric]}/{summary.images})"
    if change is None:
        return text
    return f"{text} {change.percent:+.1f}%{'~' if change.is_noise else ''}"
