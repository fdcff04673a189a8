"""Networks and their layers: what they multiply, and what algorithms make of it."""

import re
from collections import Counter

import click
from tabulate import tabulate

from mbm_hw.cli.hardware import LAYER
from mbm_hw.cli.options import (
    OutputFile,
    WritingCommand,
    print_rows,
    with_formats,
    with_models,
)
from mbm_hw.multipliers import find_spec

LARGEST_SIDE = 16384
"""Pixels of a side of the images that `mbm-hw ops` takes."""


@click.command(cls=WritingCommand)
@click.argument("network")
@click.option(
    "--input", "size", default="480x640", show_default=True, help="Of the image: rows x columns."
)
@click.option("--against", metavar="NETWORK", help="Another network to compare with.")
@click.option(
    "--algorithm",
    default="direct",
    show_default=True,
    help="Whose multiplications: of winograd, strassen, ... in the layers that it can do.",
)
@with_models
@click.option("--picture", type=OutputFile(), help="A PNG file to draw.")
@with_formats
def ops(network, size, against, algorithm, models, picture, style):
    """Count the multiplications of NETWORK's layers: a name in models/, or file.py:factory.

    Weights do not matter. Look-ups are the multiplications that meet no zero padding.
    """
    from mbm_hw.studies.fields import found
    from mbm_hw.studies.operations import network_operations, operation_rows

    match = re.fullmatch("([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size)
    if not match or max(map(int, match.groups())) > LARGEST_SIDE:
        raise click.UsageError(
            f"--input must be rows x columns such as 480x640, at most {LARGEST_SIDE} each, not "
            f"{found(size)}"
        )
    names = [name for name in (network, against) if name is not None]
    height, width = map(int, match.groups())
    counted = {name: network_operations(name, height, width, models, algorithm) for name in names}
    rows = [row for name in names for row in operation_rows(name, counted[name])]
    if picture is not None:
        from mbm_hw.studies.pictures import plot_operations

        click.echo(f"wrote {plot_operations(rows, picture)}", err=True)
    if style is not None:
        print_rows(rows, style)
        return
    totals = {name: sum(layer.multiplications for layer in counted[name]) for name in names}
    others = Counter()
    for row in counted.get(against, ()):
        others[row.module] += row.multiplications
    table = [row for row in rows if row["network"] == network]
    for row in table:
        del row["network"]
        if others:
            other = others.get(row["layer"])
            row[f"of {against}'s"] = f"{row['multiplications'] / other:.2f} x" if other else ""
    click.echo(tabulate(table, headers="keys", tablefmt="github", intfmt=",", floatfmt=".2f"))
    click.echo(f"\n{network}: {totals[network]:,} multiplications in {len(table)} layers")
    if against is not None:
        ratio = totals[network] / totals[against]
        largest = max(row["multiplications"] for row in table) / max(others.values())
        click.echo(
            f"{against}: {totals[against]:,} in {len(others)} layers; {network} has {ratio:.2f} "
            f"times as many, its largest layer {largest:.2f} times {against}'s largest"
        )


@click.command()
@click.argument("specs", nargs=-1)
@with_formats
def algorithms(specs, style):
    """Print what algorithms do to the errors of multipliers, in a 3x3 layer of a trained network.

    SPECS are signed or float ones; default mbm_bf16, mbm16s and mbm12s. The layer is that of `cost
    --power`. products: share in percent of the direct ones. codes: how large those of inputs and
    weights may be. bias: of all products together, in percent. noise: how much more of it reaches
    the output than the direct one if the products' relative errors are as large, and independent,
    in dB. sqnr: of the output, against exact products of the same operands, and against float, in
    dB.
    """
    from mbm_hw.studies.algorithms import algorithm_rows

    found = map(find_spec, specs or ("mbm_bf16", "mbm16s", "mbm12s"))
    rows = [row for spec in found for row in algorithm_rows(**LAYER, spec=spec)]
    if style is None:
        click.echo(tabulate(rows, headers="keys", tablefmt="github", intfmt=",", floatfmt=".1f"))
    else:
        print_rows(rows, style)
