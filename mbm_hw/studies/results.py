"""What a finished study leaves in its folder: rows, tables, pictures, and how to run it again."""

import dataclasses
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from mbm_hw.catalog import spec_name
from mbm_hw.files import replacing, write_csv, write_json
from mbm_hw.studies.evaluation import Depth
from mbm_hw.studies.multipliers import multiplier_errors
from mbm_hw.studies.pictures import plot_depth, plot_errors, plot_layers
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.summary import Summary, summarize, summary_table


def write_results(run: StudyRun, rows: Sequence[Mapping]) -> list[Summary]:
    """Write rows.csv, rows.json, summary.json, table.md and pictures; return the summaries.

    The files go to the run's folder, each complete or not at all. predictions.png is drawn for
    depth only.
    """
    summaries = summarize(run.study, rows)
    write_csv(run.folder / "rows.csv", rows)
    write_json(run.folder / "rows.json", rows)
    errors = multiplier_errors(run.study.all_specs)
    specs = [spec_name(spec) for spec in run.study.specs]
    document = {
        "study": dataclasses.asdict(run.study) | {"specs": specs},
        "versions": run.versions,
        "errors": errors,
        "summaries": [dataclasses.asdict(summary) for summary in summaries],
    }
    write_json(run.folder / "summary.json", document)
    headers, cells = summary_table(summaries)
    with replacing(run.folder / "table.md") as file:
        table = tabulate(cells, headers, tablefmt="github", disable_numparse=True)
        file.write(f"{table}\n\n{legend(run)}\n")
    plot_errors(errors, run.folder / "errors.png")
    plot_layers(run, summaries, run.folder / "layers.png")
    if isinstance(run.evaluation, Depth):
        plot_depth(run, run.folder / "predictions.png")
    return summaries


def legend(run: StudyRun) -> str:
    """Return the sentences that belong under a study's table."""
    return (
        f"{len(run.dataset)} images, {run.study.metrics}. Changes are against the exact multiplier "
        "of the same format, layers, quantiser and batches; ~ marks a change whose paired 95 % "
        "interval over the images holds 0 (it may be noise)."
    )
