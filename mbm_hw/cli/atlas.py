"""The atlas: all families side by side, by errors, price and networks."""

import itertools
import sys
from collections import defaultdict
from pathlib import Path

import click
from tabulate import tabulate

from mbm_hw.cli.hardware import LAYER, layer_stream_of_network
from mbm_hw.cli.options import OutputFolder, print_rows, with_formats
from mbm_hw.cli.studies import compute_units, with_inputs

LIBRARY = Path("evoapprox") / "published.csv"
"""A library of product tables, in the folder of --data."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--committed", is_flag=True, help="Show the rows of this package; compute nothing.")
@click.option("--liberty", type=click.Path(path_type=Path), help="A cell library; default OSU's.")
@click.option(
    "--cache",
    type=OutputFolder(),
    default="build/cost/cache",
    show_default=True,
    help="Where finished work on prices and errors is kept.",
)
@click.option(
    "-o",
    "--output",
    type=OutputFolder(),
    default="results/atlas",
    show_default=True,
    help="A folder for the page, the rows and the pictures.",
)
@with_inputs
@with_formats
def atlas(files, committed, liberty, cache, output, device, data, models, results, style):
    """Lay the multipliers of all families side by side, as one page.

    Errors, area, delay, energy, and the metric of each network that the YAML FILES of studies
    describe, with the multiplier in all its layers. With --data, also the product tables of
    DATA/evoapprox. May be interrupted at any time; what was finished is kept.

    Prints the Pareto front for each network and width: the multipliers whose metric no other
    reaches with less energy. Energy is that of an operation on a layer's operands. An unsigned
    multiplier is priced without the signs that the network puts on its products. Savings and
    changes are against the exact multiplier for the same operands; ~ marks a change that may be
    noise.
    """
    from mbm_hw.atlas.page import committed_document, document_of, front_table, write_atlas
    from mbm_hw.atlas.points import WIDTHS, design_points, library_points
    from mbm_hw.atlas.rows import atlas_rows, made_with, price_count, prices
    from mbm_hw.cost import Costing, uniform

    if committed:
        document = committed_document()
    else:
        costing = Costing(cache, liberty, (uniform(), layer_stream_of_network(cache)))
        costing.check_tools()
        points = design_points()
        if data is not None and (data / LIBRARY).is_file():
            points += library_points(data / LIBRARY)
        networks = _networks(files, points, data, models, results, device)
        errors = {
            point: costing.errors(point.spec) for point in _progress(points, "errors", len(points))
        }
        priced = defaultdict(list)
        for point, row in _progress(prices(costing, points), "cost", price_count(points)):
            priced[point].append(row)
        rows = atlas_rows(points, errors, priced, networks)
        document = document_of(rows, networks, made_with(costing, LAYER["layer"], networks))
    page = write_atlas(document, output)
    if style is not None:
        print_rows(document["rows"], style)
    else:
        for network, width in itertools.product(document["networks"], WIDTHS):
            table = front_table(document, network, width)
            click.echo(f"{width} bits:\n")
            click.echo(tabulate(table, "keys", "github", disable_numparse=True) + "\n")
    click.echo(f"atlas: {len(document['rows'])} rows; the page is {page}", err=True)


def _networks(files, points, data, models, results, device):
    from mbm_hw.atlas.networks import atlas_study, network_figures
    from mbm_hw.studies.run import StudyRun

    if data is not None and not data.is_dir():
        raise click.UsageError(f"--data must be a folder, not {data}")
    found = []
    for study in [atlas_study(file, data, points) for file in files]:
        run = StudyRun(study, results / study.name, models, data, device)
        with run.open_store() as store:
            compute_units(run, store, run.units, None)
            found.append(network_figures(run, store))
    return found


def _progress(things, name, total):
    from tqdm import tqdm

    interval = 0.1 if sys.stderr.isatty() else 30
    return tqdm(things, f"atlas {name}", total, mininterval=interval, miniters=1)
