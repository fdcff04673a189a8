"""The arithmetic of a study's tables, and the traps that the hand-made original fell into."""

import numpy as np
import pytest

from mbm_hw.multipliers import MBM, Mitchell
from mbm_hw.studies.description import Study
from mbm_hw.studies.summary import summarize, summary_tables

STUDY = Study("s", "n", "w", {}, (Mitchell(8, signed=True), MBM(8, signed=True)), "classification")


def rows_of(spec, values, layer_set="all", algorithm="direct", losses=None):
    losses = losses or [1.0] * len(values)
    return [
        {
            "spec": spec,
            "algorithm": algorithm,
            "layer_set": layer_set,
            "image": image,
            "top1": value,
            "cross_entropy": loss,
            "seconds": 0.5,
            "multiplications": 9,
            "network_multiplications": 90,
            "products_per_second": 2e9,
            "layer_sqnr_db": None,
            "layer_max_error": None,
            "output_sqnr_db": 30.0 + image,
            "output_max_error": image,
            "peak_mib": 100.0,
        }
        for image, (value, loss) in enumerate(
            zip(values, losses or [1.0] * len(values), strict=True)
        )
    ]


def test_the_baseline_is_exact_in_the_same_layers_not_float():
    """The original compared with a run of another precision."""
    rows = [
        *rows_of("float", [1, 1, 1, 1], "none"),
        *rows_of("exact8s", [1, 1, 1, 0]),
        *rows_of("exact8s", [1, 0, 0, 0], "other"),
        *rows_of("mbm8s", [1, 1, 0, 0]),
    ]
    *_, summary = summarize(STUDY, rows)
    assert (summary.spec, summary.baseline, summary.images) == ("mbm8s", "exact8s", 4)
    assert summary.averages["top1"] == 0.5
    assert summary.changes["top1"].percent == pytest.approx(100 * (0.5 - 0.75) / 0.75)
    assert [s.changes for s in summarize(STUDY, rows)[:3]] == [{}, {}, {}]


def test_the_baseline_is_exact_in_the_same_algorithm():
    rows = [
        row
        for algorithm, baseline in (("direct", [1, 1, 1, 0]), ("winograd", [1, 0, 0, 0]))
        for row in (
            *rows_of("exact8s", baseline, algorithm=algorithm),
            *rows_of("mbm8s", [0, 0, 0, 0], algorithm=algorithm),
        )
    ]
    changes = {s.multiplier: s.changes["top1"] for s in summarize(STUDY, rows) if s.changes}
    assert list(changes) == ["mbm8s", "mbm8s winograd"]
    assert changes["mbm8s"].low < -0.7 < changes["mbm8s"].high
    assert changes["mbm8s winograd"].low < -0.2 < changes["mbm8s winograd"].high
    assert changes["mbm8s winograd"].is_noise
    baselines = [summary.baseline for summary in summarize(STUDY, rows)]
    assert baselines == ["exact8s", "exact8s", "exact8s winograd", "exact8s winograd"]


def test_a_comparison_of_other_images_is_refused():
    """The original scored images left over from a batch as zeros, and counted them."""
    rows = [*rows_of("exact8s", [1, 1, 1]), *rows_of("mbm8s", [1, 1])]
    with pytest.raises(ValueError, match="mbm8s in all: its images are not those of exact8s"):
        summarize(STUDY, rows)


def test_a_change_within_the_noise_is_marked():
    """The original read noise over five images as improvement."""
    exact = np.random.default_rng(0).uniform(0.5, 0.7, 5)
    noise = exact + np.array([0.03, -0.02, 0.02, -0.01, 0.001])
    better = exact - np.array([0.03, 0.04, 0.03, 0.04, 0.03])
    rows = [
        row
        for spec, losses in (("exact8s", exact), ("mitchell8s", noise), ("mbm8s", better))
        for row in rows_of(spec, [1, 1, 0, 1, 1], losses=losses.tolist())
    ]
    exact, mitchell, mbm = summarize(STUDY, rows)
    assert mitchell.changes["cross_entropy"].is_noise
    assert not mbm.changes["cross_entropy"].is_noise
    assert mbm.changes["cross_entropy"].test == "Student's t"
    tables = summary_tables([exact, mitchell, mbm])
    headers, cells = tables["Metrics"]
    shown = {row[1]: dict(zip(headers, row, strict=True)) for row in cells}
    assert shown["mitchell8s"]["cross_entropy"].endswith("%~")
    assert shown["mbm8s"]["cross_entropy"].endswith("%")
    headers, (_, last) = tables["95 % intervals of the changes, in the metrics' units"]
    low, high = map(float, last[headers.index("cross_entropy")].split(" to "))
    assert (low, high) == pytest.approx((-0.0408, -0.0272), abs=1e-4)
    assert last[headers.index("top1")] == "no image differs"


def test_right_images_are_counted_in_the_table():
    rows = rows_of("exact8s", [1, 1, 0, 1]) + rows_of("mbm8s", [1, 0, 0, 1])
    summaries = summarize(STUDY, rows)
    assert [summary.right for summary in summaries] == [{"top1": 3}, {"top1": 2}]
    _, cells = summary_tables(summaries)["Metrics"]
    assert [row[2] for row in cells] == ["0.7500 (3/4)", "0.5000 (2/4) -33.3%~"]


def test_images_that_cannot_be_scored_are_left_out_and_counted():
    rows = rows_of("exact8s", [1, None, 0, 1]) + rows_of("mbm8s", [1, None, 1, 1])
    exact, mbm = summarize(STUDY, rows)
    assert (mbm.images, mbm.unscored, mbm.right) == (3, (1,), {"top1": 3})
    assert (exact.averages["top1"], mbm.averages["top1"]) == (2 / 3, 1)
    assert mbm.changes["top1"].differing == 1
    others = rows_of("exact8s", [1, 0, 0, 1]) + rows_of("mbm8s", [1, None, 1, 1])
    with pytest.raises(ValueError, match="mbm8s in all: its images are not those of exact8s"):
        summarize(STUDY, others)
    with pytest.raises(ValueError, match="none of 2 images could be scored"):
        summarize(STUDY, rows_of("exact8s", [None, None]))


def test_what_is_measured_is_a_mean_or_the_worst_of_the_images():
    rows = rows_of("exact8s", [1, 1, 1]) + rows_of("mbm8s", [1, 1, 0])
    summaries = summarize(STUDY, rows)
    assert (summaries[1].output_sqnr_db, summaries[1].output_max_error) == (31.0, 2.0)
    assert summaries[1].layer_sqnr_db is None
    headers, cells = summary_tables(summaries)["Errors of outputs, and what was measured"]
    shown = dict(zip(headers, cells[1], strict=True))
    assert (shown["output SQNR, dB"], shown["layer SQNR, dB"]) == ("31.0", "")
    assert shown["10^9 products/s"] == "2.00"


def test_one_image_supports_no_claim():
    rows = rows_of("exact8s", [1], losses=[1.0]) + rows_of("mbm8s", [0], losses=[2.0])
    summaries = summarize(STUDY, rows)
    assert summaries[1].changes["top1"].is_noise
    assert summaries[1].changes["cross_entropy"].is_noise
    _, ((*_, interval),) = summary_tables(summaries)[
        "95 % intervals of the changes, in the metrics' units"
    ]
    assert interval == "too few images"
