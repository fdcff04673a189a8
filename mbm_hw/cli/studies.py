"""Error studies of whole networks: running them, and their reports."""

import sys
from contextlib import closing
from pathlib import Path

import click
from tabulate import tabulate

from mbm_hw.cli.options import print_rows, with_formats, with_models

COSTS = Path("results/cost/cost.json")
"""Where `make synth` leaves what `mbm-hw report` says about hardware."""


@click.group()
def study():
    """Error studies of whole networks."""


@study.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help="What {data} in a study stands for.")
@with_models
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default="results",
    show_default=True,
    help="Every study gets a folder of its name in it.",
)
@with_formats
def run(files, data, models, results, style):
    """Run the studies that the YAML FILES describe; finished work is never done again."""
    from mbm_hw.studies.description import read_study
    from mbm_hw.studies.results import legend, write_results
    from mbm_hw.studies.run import StudyRun
    from mbm_hw.studies.summary import summary_table

    if data is not None and not data.is_dir():
        raise click.UsageError(f"--data must be a folder, not {data}")
    studies = [read_study(file, data) for file in files]
    for study in studies:
        run = StudyRun(study, results / study.name, models, data)
        rows = computed_rows(run)
        summaries = write_results(run, rows)
        if style is None:
            headers, cells = summary_table(summaries)
            table = tabulate(cells, headers, tablefmt="github", disable_numparse=True)
            click.echo(f"\n{study.name}\n\n{table}\n\n{legend(run)}")
        else:
            print_rows(rows, style)
        click.echo(f"{study.name}: tables, rows and pictures are in {run.folder}/", err=True)


def computed_rows(run) -> list[dict]:
    """Return the rows of a `StudyRun`, computed where its store lacks them, with a progress bar."""
    from tqdm import tqdm

    with closing(run.open_store()) as store:
        done = sum(len(unit.images) for unit in run.units if run.is_finished(store, unit))
        interval = 0.1 if sys.stderr.isatty() else 30
        bar = {"desc": run.study.name, "unit": "image", "mininterval": interval}
        with tqdm(total=run.total, initial=done, **bar) as progress:
            for unit in run.compute(store, run.units):
                progress.update(len(unit.images))
        return run.finished(store, run.units)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: in FOLDER.")
@click.option(
    "--cost",
    type=click.Path(path_type=Path),
    help="A cost.json of `mbm-hw cost --output`; default that of `make synth`, if there is one.",
)
def report(folder, output, cost):
    """Write a study's results, in FOLDER, as one HTML file that needs nothing else."""
    from mbm_hw.studies.report import write_report

    if cost is None and COSTS.is_file():
        cost = COSTS
    click.echo(f"wrote {write_report(folder, output, cost)}")
