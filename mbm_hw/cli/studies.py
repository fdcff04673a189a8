"""Error studies of whole networks: running them, and their reports."""

import importlib.util
import sys
from contextlib import closing, nullcontext
from pathlib import Path

import click

from mbm_hw.cli.options import (
    OutputFile,
    OutputFolder,
    Whole,
    WritingCommand,
    print_rows,
    say_written,
    with_formats,
    with_models,
)

COSTS = Path("results/cost/cost.json")
"""Where `make synth` leaves what `mbm-hw report` says about hardware."""


@click.group()
def study():
    """Error studies of whole networks."""


def with_inputs(command):
    """Give a command the options of what every study needs: its files, and where it runs."""
    command = click.option(
        "--device",
        type=click.Choice(["cpu", "cuda"]),
        default="cpu",
        show_default=True,
        help="Where networks run; rows of two devices are not of one study.",
    )(command)
    command = click.option(
        "--results",
        type=OutputFolder(),
        default="results",
        show_default=True,
        help="Every study gets a folder of its name in it.",
    )(command)
    command = with_models(command)
    return click.option(
        "--data", type=click.Path(path_type=Path), help="What {data} in a study stands for."
    )(command)


@study.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--shard", metavar="K/N", help="Run the K-th of N parts, into a store of its own.")
@click.option("--workers", type=Whole(1, 1024), help="Processes of this machine, by Dask.")
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster: tls://host:port.")
@with_inputs
@with_formats
def run(files, shard, workers, scheduler, device, data, models, results, style):
    """Run the studies that the YAML FILES describe; finished work is never done again."""
    from mbm_hw.studies.shards import Shard

    shard = None if shard is None else Shard.parse(shard)
    processes = workers
    workers = _workers(workers, scheduler)
    runs = _runs(files, data, models, results, device)
    with workers as score:
        for run in runs:
            click.echo(f"{run.study.name}: needs {run.memory}", err=True)
            for line in run.slow_multipliers():
                click.echo(f"{run.study.name}: {line}", err=True)
            if processes is not None:
                run.memory.check(processes)
            if shard is None:
                with run.open_store() as store:
                    compute_units(run, store, run.units, score)
                    _show(run, store, style)
            else:
                with shard.open_store(run) as store:
                    compute_units(run, store, shard.units(run), score, f"shard {shard}")
                    _show_shard(run, shard, store, style)


@study.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("stores", nargs=-1, required=True, type=click.Path(path_type=Path))
@with_inputs
@with_formats
def merge(file, stores, device, data, models, results, style):
    """Put together the STORES of the shards of the study that the YAML FILE describes.

    Leaves what `study run` does without --shard. Where images are missing, the status is 2, and
    `study run` computes the rest.
    """
    from mbm_hw.studies.shards import missing, read_shards

    (run,) = _runs([file], data, models, results, device)
    rows, count = read_shards(run, stores)
    with run.open_store() as store:
        store.add(rows.items())
        if lacking := missing(run, store, count):
            raise click.ClickException(
                f"{run.study.name}: images are missing ({lacking}); those that are there are in "
                f"{store.path}, and `mbm-hw study run` computes the rest"
            )
        _show(run, store, style)


def _runs(files, data, models, results, device):
    """Return an iterator of `StudyRun`s; all files are read at once, so that errors come first."""
    from mbm_hw.studies.description import read_study
    from mbm_hw.studies.run import StudyRun

    if data is not None and not data.is_dir():
        raise click.UsageError(f"--data must be a folder, not {data}")
    studies = [read_study(file, data) for file in files]

    def load(study):
        run = StudyRun(study, results / study.name, models, data, device)
        if run.weights_note:
            click.echo(f"{study.name}: {run.weights_note}", err=True)
        return run

    return map(load, studies)


def _workers(count, scheduler):
    """Return a context manager that gives who scores units, as `StudyRun.compute` takes it."""
    if count is None and scheduler is None:
        return nullcontext()
    if count is not None and scheduler is not None:
        raise click.UsageError("give --workers or --scheduler, not both")
    if importlib.util.find_spec("distributed") is None:
        raise click.UsageError("--workers and --scheduler need Dask: pip install 'mbm-hw[cluster]'")
    from mbm_hw.studies.cluster import local_workers, remote_workers

    return remote_workers(scheduler) if count is None else local_workers(count)


def compute_units(run, store, units, score, part=""):
    """Compute what the store lacks of the units of a `StudyRun`, with a progress bar."""
    from tqdm import tqdm

    done = sum(len(unit.images) for unit in units if run.is_finished(store, unit))
    total = sum(len(unit.images) for unit in units)
    bar = {"desc": f"{run.study.name} {part}".strip(), "unit": "image"}
    bar |= {"mininterval": 0.1 if sys.stderr.isatty() else 30}
    computed = closing(run.compute(store, units, score))
    with tqdm(total=total, initial=done, **bar) as progress, computed as finished:
        for unit in finished:
            progress.update(len(unit.images))


def _show_shard(run, shard, store, style):
    rows = run.finished(store, shard.units(run))
    if style is not None:
        print_rows(rows, style)
    click.echo(
        f"{run.study.name}: shard {shard} is done, {len(rows)} of {run.total} images in "
        f"{store.path}; the others are missing until `mbm-hw study merge` puts the {shard.count} "
        "shards together",
        err=True,
    )


def _show(run, store, style):
    """Write the results of a finished `StudyRun`, and print its table or its rows."""
    from mbm_hw.studies.results import tables_text, write_results

    rows = run.finished(store, run.units)
    summaries = write_results(run, rows)
    if style is None:
        click.echo(f"\n{run.study.name}\n\n{tables_text(run, summaries)}")
    else:
        print_rows(rows, style)
    click.echo(f"{run.study.name}: tables, rows and pictures are in {run.folder}/", err=True)


@click.command(cls=WritingCommand)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=OutputFile(), help="Default: in FOLDER.")
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
    say_written(write_report(folder, output, cost))
