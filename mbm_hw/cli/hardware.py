"""What designs cost in hardware."""

import sys
from pathlib import Path

import click

from mbm_hw.cli.options import OutputFolder, print_rows, with_formats

LAYER = {
    "network": "models/depth_small.py:depth_small",
    "weights": "models/depth_small.pt",
    "data": {"kind": "generated_rooms", "seed": 7, "images": 1},
    "layer": "decoder.up3.convB",
}
"""The layer whose operands `mbm-hw cost --power` takes: 3x3, 24 channels to 24."""


@click.command()
@click.argument("names", nargs=-1)
@click.option("--liberty", type=click.Path(path_type=Path), help="A cell library; default OSU's.")
@click.option(
    "--mapping",
    type=click.Choice(["area", "delay"]),
    default="area",
    show_default=True,
    help="What the cells are chosen for.",
)
@click.option("--power", is_flag=True, help="The energy of an operation, by switching activity.")
@click.option("--fpga", is_flag=True, help="Look-up tables and frequency on iCE40 and ECP5.")
@click.option("--breakdown", is_flag=True, help="The blocks' areas instead, and their bounds.")
@click.option("-o", "--output", type=OutputFolder(), help="A folder for all figures.")
@click.option(
    "--cache",
    type=OutputFolder(),
    default="build/cost/cache",
    show_default=True,
    help="Where finished work is kept.",
)
@with_formats
def cost(names, liberty, mapping, power, fpga, breakdown, output, cache, style):
    """Print what designs cost on standard cells: NAMES such as mbm8, mbm8s_p2 or mbm8s_dot4.

    Default: the designs of rtl/ and those of the MBM paper's Table I. The table has the main
    figures; --json, --csv and the files of --output have all. May be interrupted at any time.
    """
    from tqdm import tqdm

    from mbm_hw.cost import (
        BROKEN_DOWN,
        DEVICES,
        Costing,
        builds,
        default_designs,
        shuffled,
        uniform,
    )
    from mbm_hw.cost.report import cost_table, legend, write_report
    from mbm_hw.hdl import find_design

    designs = [find_design(name) for name in names] or default_designs()
    streams = ()
    if power:
        layer = layer_stream_of_network(cache)
        streams = uniform(), layer, shuffled(layer)
    costing = Costing(cache, liberty, streams, tuple(DEVICES) if fpga else (), mapping)
    costing.check_tools()
    if breakdown:
        _print_breakdowns(costing, [find_design(name) for name in names or BROKEN_DOWN], style)
        return
    total = sum(len(builds(design)) for design in designs)
    interval = 0.1 if sys.stderr.isatty() else 30
    with tqdm(costing.rows(designs), "cost", total, False, mininterval=interval, miniters=1) as bar:
        rows = list(bar)
    if style is None:
        click.echo(f"{cost_table(rows)}\n\n{legend(rows, costing)}")
    else:
        print_rows(rows, style)
    if output is not None:
        write_report(rows, costing, output)
        click.echo(f"cost: tables, all figures and the picture are in {output}/", err=True)


def _print_breakdowns(costing, designs, style):
    from mbm_hw.cost.breakdown import breakdowns
    from mbm_hw.cost.report import breakdown_table

    tables = breakdowns(costing, designs)
    if style is None:
        click.echo("\n\n".join(map(breakdown_table, tables)))
    else:
        print_rows([row for table in tables for row in table], style)


def layer_stream_of_network(cache: Path):
    """Return the operands of LAYER, a layer of the small depth network, in order."""
    from mbm_hw.cost.streams import VECTORS, layer_stream

    def codes(spec):
        from mbm_hw.studies.operands import LayerOperands

        return LayerOperands(**LAYER, vectors=VECTORS).codes(spec)

    files = [Path(LAYER["network"].partition(":")[0]), Path(LAYER["weights"])]
    return layer_stream(codes, repr(LAYER), files, cache)
