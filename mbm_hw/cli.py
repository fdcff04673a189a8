"""The command line: thin over the API. Bad input is one line on stderr and exit status 2."""

import csv
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from tabulate import tabulate

from mbm_hw.catalog import CATALOG, find_spec
from mbm_hw.errors import MAX_EXHAUSTIVE_PAIRS, METRICS, error_metrics, pair_count
from mbm_hw.files import replacing
from mbm_hw.published import TABLE_I
from mbm_hw.spec import IntegerSpec, Spec
from mbm_hw.table_files import read_table, write_table

LAYER = {
    "network": "models/depth_small.py:depth_small",
    "weights": "models/depth_small.pt",
    "data": {"kind": "generated_rooms", "seed": 7, "images": 1},
    "layer": "decoder.up3.convB",
}
"""The layer whose operands `mbm-hw cost --power` takes: 3x3, 24 channels to 24."""

COSTS = Path("results/cost/cost.json")
"""Where `make synth` leaves what `mbm-hw report` says about hardware."""


def with_formats(command):
    """Give a command the options --json and --csv, as its argument `style`; None is a table."""
    command = click.option("--csv", "style", flag_value="csv", help="Print CSV.")(command)
    return click.option("--json", "style", flag_value="json", help="Print JSON.")(command)


def with_table_flags(command):
    """Give a command that takes table files the options --signed and --sign-magnitude."""
    command = click.option("--sign-magnitude", is_flag=True, help="A table file holds magnitudes.")(
        command
    )
    return click.option(
        "--signed", is_flag=True, help="A table file holds signed operands and products."
    )(command)


def with_models(command):
    """Give a command the option --models: where networks are looked up."""
    return click.option(
        "--models",
        type=click.Path(path_type=Path),
        default="models",
        show_default=True,
        help="Where networks called by a bare name are looked up.",
    )(command)


def print_rows(rows: Sequence[Mapping], style: str | None) -> None:
    """Print mappings with the same keys as JSON, as CSV, or as a table with four decimals."""
    if style == "json":
        click.echo(json.dumps(rows, indent=1))
    elif style == "csv":
        writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        click.echo(tabulate(rows, headers="keys", tablefmt="github", floatfmt=".4f"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process: 0, 2 after bad input, 130 after Ctrl-C."""
    try:
        sys.exit(mbm_hw.main(arguments, prog_name="mbm-hw", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        fail(error.format_message())
    except ValueError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (click.Abort, KeyboardInterrupt):
        click.echo("mbm-hw: interrupted; what was finished is kept", err=True)
        sys.exit(130)


def fail(message: str) -> None:
    click.echo(f"mbm-hw: {' '.join(message.split())}", err=True)
    sys.exit(2)


@click.group()
@click.version_option(package_name="mbm-hw")
def mbm_hw():
    """Approximate multipliers: from one spec to RTL, to simulation, to a network's error study."""


@mbm_hw.command()
@click.argument("spec", required=False)
@click.option("--pipeline", type=click.IntRange(0, 4), default=0, help="Register stages.")
@click.option("--stream", is_flag=True, help="Operands and products with valid and ready.")
@click.option("--name", help="The module's name, by default the design's.")
@with_table_flags
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file, instead of stdout.")
@click.option("--all", "folder", type=click.Path(path_type=Path), help="Write all designs of rtl/.")
@click.option("--list", "is_list", is_flag=True, help="List the designs of rtl/.")
@with_formats
def verilog(spec, pipeline, stream, name, signed, sign_magnitude, output, folder, is_list, style):
    """Print or write a multiplier's Verilog.

    SPEC is a name such as mbm8s, mbm16_t8 or mbm_bf16, or a product table (.npy, .csv).
    """
    from mbm_hw.hdl import DESIGNS, memory_table, to_verilog, write_designs

    if is_list:
        print_rows([design.row for design in DESIGNS.values()], style)
        return
    if (spec is None) == (folder is None):
        raise click.UsageError(f"give a SPEC, or --all FOLDER; known: {', '.join(CATALOG)}")
    if folder is not None:
        paths = write_designs(folder)
        click.echo(f"wrote {len(paths)} designs to {folder}")
        return
    spec = _named_spec(spec, signed, sign_magnitude)
    text = to_verilog(spec, name, pipeline, stream)
    if output is None:
        click.echo(text, nl=False)
    else:
        with replacing(output) as file:
            file.write(text)
        click.echo(f"wrote {output}")
        if memory := memory_table(spec):
            contents = output.with_name(f"{memory.identifier}.hex")
            click.echo(f"wrote {write_table(memory, contents)}, which it reads")


@mbm_hw.command()
@click.argument("spec")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Ends in .npy (int64), .csv (a,b,product) or .hex ($readmemh).",
)
def table(spec, output):
    """Write a multiplier's product table: SPEC is a name of at most 12 bits."""
    click.echo(f"wrote {write_table(_integer_spec(spec), output)}")


def _integer_spec(name: str) -> IntegerSpec:
    spec = find_spec(name)
    if not isinstance(spec, IntegerSpec):
        raise click.UsageError(f"{name} is a float spec; this takes integer ones")
    return spec


@mbm_hw.command()
@click.argument("specs", nargs=-1)
@click.option("--samples", type=click.IntRange(1), help="Operand pairs; default all, or 2**22.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@click.option("--include-zeros", is_flag=True, help="Count 0 x anything as no error.")
@click.option("--paper", is_flag=True, help="The MBM paper's Table I beside its figures.")
@with_table_flags
@with_formats
def errors(specs, samples, seed, include_zeros, paper, signed, sign_magnitude, style):
    """Print error metrics: SPECS are names, or product tables (.npy, .csv); default the catalog.

    Relative errors in percent, of float specs those of significands. Up to 13 bits every pair is
    counted, wider ones by a seeded sample.
    """
    if paper:
        if specs:
            raise click.UsageError("--paper lists its own designs: give no SPECS")
        print_rows([_paper_row(row, samples, seed) for row in TABLE_I if row.bias], style)
        return

    rows = []
    for name in specs or CATALOG:
        spec = _named_spec(name, signed, sign_magnitude)
        metrics = _metrics(spec, samples, seed, include_zeros)
        rows.append({"multiplier": name} | {metric: getattr(metrics, metric) for metric in METRICS})
    print_rows(rows, style)


def _named_spec(name: str, signed: bool, sign_magnitude: bool) -> Spec:
    """Return the spec called `name`, or the product table in the file of that name."""
    if name.endswith((".npy", ".csv")):
        return read_table(name, signed, sign_magnitude)
    return find_spec(name)


def _metrics(spec: Spec, samples: int | None, seed: int, include_zeros: bool):
    if samples is None and pair_count(spec) > MAX_EXHAUSTIVE_PAIRS:
        samples = 2**22
    return error_metrics(spec, samples, seed, include_zeros)


def _paper_row(row, samples: int | None, seed: int) -> dict:
    spec = find_spec(row.spec)
    metrics = _metrics(spec, samples if spec.width > 8 else None, seed, include_zeros=True)
    return {
        "multiplier": row.spec,
        "bias": metrics.bias,
        "paper's bias": row.bias,
        "mean": metrics.mred,
        "paper's mean": row.mred,
        "peak": max(metrics.peak_max, -metrics.peak_min),
        "paper's peak": row.peak,
        "standard error": metrics.standard_error,
        "pairs": metrics.pairs,
    }


@mbm_hw.command()
@click.argument("network")
@click.option(
    "--input", "size", default="480x640", show_default=True, help="Of the image: rows x columns."
)
@click.option("--against", metavar="NETWORK", help="Another network to compare with.")
@with_models
@click.option("--picture", type=click.Path(path_type=Path), help="A PNG file to draw.")
@with_formats
def ops(network, size, against, models, picture, style):
    """Count the multiplications of NETWORK's layers: a name in models/, or file.py:factory.

    Weights do not matter. Look-ups are the multiplications that meet no zero padding.
    """
    from mbm_hw.studies.operations import network_operations, operation_rows

    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", size)
    if not match:
        raise click.UsageError(f"--input must be rows x columns such as 480x640, not {size!r}")
    names = [name for name in (network, against) if name is not None]
    counted = {name: network_operations(name, *map(int, match.groups()), models) for name in names}
    rows = [row for name in names for row in operation_rows(name, counted[name])]
    if picture is not None:
        from mbm_hw.studies.pictures import plot_operations

        click.echo(f"wrote {plot_operations(rows, picture)}", err=True)
    if style is not None:
        print_rows(rows, style)
        return
    totals = {name: sum(layer.multiplications for layer in counted[name]) for name in names}
    others = {layer.layer: layer.multiplications for layer in counted.get(against, ())}
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


@mbm_hw.command()
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
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A folder for all figures.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default="build/cost/cache",
    show_default=True,
    help="Where finished work is kept.",
)
@with_formats
def cost(names, liberty, mapping, power, fpga, output, cache, style):
    """Print what designs cost on standard cells: NAMES such as mbm8 or mbm8s_p2.

    Default: the designs of rtl/ and those of the MBM paper's Table I. The table has the main
    figures; --json, --csv and the files of --output have all. May be interrupted at any time.
    """
    from tqdm import tqdm

    from mbm_hw.cost import DEVICES, Costing, default_designs, find_design, uniform
    from mbm_hw.cost.report import cost_table, legend, write_report

    designs = [find_design(name) for name in names] or default_designs()
    streams = (uniform(), *_layer_streams(cache)) if power else ()
    costing = Costing(cache, liberty, streams, tuple(DEVICES) if fpga else (), mapping)
    costing.check_tools()
    rows = []
    interval = 0.1 if sys.stderr.isatty() else 30
    with tqdm(designs, "cost", unit="design", leave=False, mininterval=interval) as bar:
        for design in bar:
            bar.set_postfix_str(design.name)
            rows += costing.rows([design])
    if style is None:
        click.echo(f"{cost_table(rows)}\n\n{legend(rows, costing)}")
    else:
        print_rows(rows, style)
    if output is not None:
        write_report(rows, costing, output)
        click.echo(f"cost: tables, all figures and the picture are in {output}/", err=True)


def _layer_streams(cache: Path):
    """Return the operands of a layer of the small depth network, in order and shuffled."""
    from mbm_hw.cost.streams import VECTORS, layer_stream, shuffled

    def codes(spec):
        from mbm_hw.studies.operands import LayerOperands

        return LayerOperands(**LAYER, vectors=VECTORS).codes(spec)

    files = [Path(LAYER["network"].partition(":")[0]), Path(LAYER["weights"])]
    stream = layer_stream(codes, repr(LAYER), files, cache)
    return stream, shuffled(stream)


@mbm_hw.group()
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
    from tqdm import tqdm

    from mbm_hw.studies.description import read_study
    from mbm_hw.studies.results import legend, write_results
    from mbm_hw.studies.run import StudyRun
    from mbm_hw.studies.summary import summary_table

    if data is not None and not data.is_dir():
        raise click.UsageError(f"--data must be a folder, not {data}")
    studies = [read_study(file, data) for file in files]
    for study in studies:
        run = StudyRun(study, results / study.name, models, data)
        interval = 0.1 if sys.stderr.isatty() else 30
        bar = tqdm(run.rows(), study.name, run.total, unit="image", mininterval=interval)
        rows = list(bar)
        summaries = write_results(run, rows)
        if style is None:
            headers, cells = summary_table(summaries)
            table = tabulate(cells, headers, tablefmt="github", disable_numparse=True)
            click.echo(f"\n{study.name}\n\n{table}\n\n{legend(run)}")
        else:
            print_rows(rows, style)
        click.echo(f"{study.name}: tables, rows and pictures are in {run.folder}/", err=True)


@mbm_hw.command()
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


if __name__ == "__main__":
    main()
