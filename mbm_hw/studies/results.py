"""What a finished study leaves in its folder: rows, tables, pictures, and how to run it again."""

import dataclasses
import platform
from collections.abc import Mapping, Sequence

import torch
from tabulate import tabulate

from mbm_hw.multipliers import spec_name
from mbm_hw.ops.cpu_kernels import chosen_isa
from mbm_hw.studies.description import Study
from mbm_hw.studies.evaluation import Depth
from mbm_hw.studies.multipliers import multiplier_errors
from mbm_hw.studies.paired import TESTS
from mbm_hw.studies.pictures import plot_depth, plot_errors, plot_layers
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.summary import Summary, summarize, summary_tables, unscored_text
from mbm_hw.system.files import replacing, write_csv, write_json


def write_results(run: StudyRun, rows: Sequence[Mapping]) -> list[Summary]:
    """Write rows.csv, rows.json, summary.json, table.md and pictures; return the summaries.

    The files go to the run's folder, each complete or not at all. predictions.png is drawn for
    depth only.
    """
    summaries = summarize(run.study, rows)
    write_csv(run.folder / "rows.csv", rows)
    write_json(run.folder / "rows.json", rows)
    study = run.study
    errors = multiplier_errors({spec: study.name_of(spec) for spec in study.all_specs})
    described = dataclasses.asdict(dataclasses.replace(study, names={}))
    del described["names"]
    document = {
        "study": described | {"specs": [study.name_of(spec) for spec in study.specs]},
        "multipliers": multipliers(study),
        "coverage": {
            "sentence": run.coverage,
            "multiplications": run.layers.total,
            "left_exact": run.layers.left,
        },
        "weights": {
            "name": run.study.weights_name,
            "is_random": run.study.has_random_weights,
            "note": run.weights_note,
            "sha256": run.identity["weights"],
        },
        "machine": machine(),
        "versions": run.versions,
        "errors": errors,
        "summaries": [dataclasses.asdict(summary) for summary in summaries],
    }
    write_json(run.folder / "summary.json", document)
    with replacing(run.folder / "table.md") as file:
        file.write(f"{tables_text(run, summaries)}\n")
    plot_errors(errors, run.folder / "errors.png")
    plot_layers(run, summaries, run.folder / "layers.png")
    if isinstance(run.evaluation, Depth):
        plot_depth(run, run.folder / "predictions.png")
    return summaries


def machine() -> dict[str, str]:
    """Return what this process runs on: times depend on it."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "threads": str(torch.get_num_threads()),
        "kernels": chosen_isa().name,
    }


def multipliers(study: Study) -> list[dict[str, str]]:
    """Return name, spec (see `mbm_hw.spec_name`) and description of each multiplier."""
    return [
        {"name": study.name_of(spec), "spec": spec_name(spec), "description": repr(spec)}
        for spec in study.all_specs
    ]


def tables_text(run: StudyRun, summaries: Sequence[Summary]) -> str:
    """Return a study's tables, and the sentences that belong under them, as Markdown."""
    parts = []
    for title, (headers, cells) in summary_tables(summaries).items():
        table = tabulate(cells, headers, tablefmt="github", disable_numparse=True)
        parts.append(f"{title}:\n\n{table}")
    named = [row for row in multipliers(run.study) if row["name"] != row["spec"]]
    if named:
        table = tabulate(named, headers="keys", tablefmt="github", disable_numparse=True)
        parts.append(f"Multipliers:\n\n{table}")
    return "\n\n".join([*parts, _legend(run, summaries[0].unscored)])


def _legend(run: StudyRun, unscored: Sequence[int]) -> str:
    trained = ": nothing is said about a trained network" if run.study.has_random_weights else ""
    return (
        f"{len(run.dataset)} images ({run.study.data['kind']}){unscored_text(unscored)}, "
        f"{run.study.metrics}; weights "
        f"{run.study.weights_name}{trained}. {run.coverage}. Changes are against the exact "
        "multiplier of the same format, layers, algorithm, quantiser and batches; ~ marks a change "
        f"that may be noise: its 95 % interval holds 0, or there is none. {TESTS} SQNR and errors "
        "are against exact float. Test times are those of whole forwards, in this emulation; "
        "memory is the process's."
    )
