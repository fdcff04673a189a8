"""Multipliers by themselves: their Verilog, product tables and errors."""

import dataclasses
from collections.abc import Iterator

import click

from mbm_hw.cli.options import (
    OutputFile,
    OutputFolder,
    Whole,
    WritingCommand,
    print_rows,
    say_written,
    with_formats,
    with_table_flags,
)
from mbm_hw.multipliers import CATALOG, IntegerSpec, Spec, find_spec
from mbm_hw.multipliers.differences import product_difference
from mbm_hw.multipliers.errors import (
    MAX_EXHAUSTIVE_PAIRS,
    MAX_SAMPLES,
    MAX_SEED,
    METRICS,
    error_metrics,
    pair_count,
)
from mbm_hw.multipliers.evoapprox import published_figures
from mbm_hw.multipliers.published import PUBLISHED, Publication
from mbm_hw.multipliers.table_files import is_table_file, named_spec, read_table, write_table
from mbm_hw.system.files import is_written_through, replacing

PAPERS = "papers"
"""The value of --published without a file."""


@click.command(cls=WritingCommand)
@click.argument("spec", required=False)
@click.option("--pipeline", type=Whole(1, 4), help="Register stages.")
@click.option("--stream", is_flag=True, help="Operands and products with valid and ready.")
@click.option("--name", help="The module's name, by default the design's.")
@with_table_flags
@click.option("-o", "--output", type=OutputFile(), help="A file, instead of stdout.")
@click.option("--all", "folder", type=OutputFolder(), help="Write all designs of rtl/.")
@click.option("--list", "is_list", is_flag=True, help="List the designs of rtl/.")
@click.option("--template", is_flag=True, help="Instead: how to instantiate the module.")
@with_formats
def verilog(
    spec, pipeline, stream, name, signed, sign_magnitude, output, folder, is_list, template, style
):
    """Print or write a multiplier's Verilog.

    SPEC is a name such as mbm8s, mbm16_t8 or mbm_bf16, a product table (.npy, .npz, .csv), or a
    whole design's: mbm8s_p2_stream, mbm8s_mac, mbm12s_dot8_acc40_p1.
    """
    from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, exported, memory_table, write_designs
    from mbm_hw.hdl.template import instantiation

    if is_list:
        print_rows([design.row for design in (DESIGNS | DOT_PRODUCTS).values()], style)
        return
    if (spec is None) == (folder is None):
        raise click.UsageError(f"give a SPEC, or --all FOLDER; known: {', '.join(CATALOG)}")
    if folder is not None:
        if pipeline or stream or name or output or template or signed or sign_magnitude:
            raise click.UsageError("--all writes the designs of rtl/ as they are")
        paths = write_designs(folder)
        click.echo(f"wrote {len(paths)} designs to {folder}")
        return
    _check_table_flags([spec], signed, sign_magnitude)
    design = _design(spec, pipeline, stream, signed, sign_magnitude)
    text = exported(design, name)
    memory = None if template else memory_table(design.spec)
    if template:
        text = instantiation(text)
    if output is None:
        click.echo(text, nl=False)
        if memory is not None:
            click.echo(f"it reads {memory.identifier}.hex, which -o writes beside it", err=True)
        return
    if memory is not None and is_written_through(output):
        raise click.UsageError(f"{output} is no file: {memory.identifier}.hex belongs beside it")
    with replacing(output) as file:
        file.write(text)
    say_written(output)
    if memory is not None:
        contents = output.with_name(f"{memory.identifier}.hex")
        say_written(write_table(memory, contents), ", which it reads")


def _design(name, pipeline, stream, signed, sign_magnitude):
    from mbm_hw.hdl import find_design
    from mbm_hw.hdl.designs import Design

    if is_table_file(name):
        design = Design(read_table(name, signed, sign_magnitude))
    else:
        design = find_design(name)
    if pipeline and design.pipeline:
        raise click.UsageError(f"{name} says its stages itself: no --pipeline")
    if stream and not isinstance(design, Design):
        raise click.UsageError(f"{name} has no streams: MACs and dot-product units have none")
    more = {"pipeline": pipeline} if pipeline else {}
    return design._replace(**more, **({"stream": True} if stream else {}))


def _check_table_flags(names, signed, sign_magnitude):
    if (signed or sign_magnitude) and not any(map(is_table_file, names)):
        raise click.UsageError(
            "--signed and --sign-magnitude say what a table file holds, and there is none: "
            "a signed multiplier's name has an s, as mbm8s"
        )


@click.command(cls=WritingCommand)
@click.argument("spec")
@with_table_flags
@click.option(
    "-o",
    "--output",
    type=OutputFile(),
    required=True,
    help="Ends in .npy (int64), .csv (a,b,product) or .hex ($readmemh).",
)
def table(spec, signed, sign_magnitude, output):
    """Write a multiplier's product table.

    SPEC is a name of at most 12 bits, or another table (.npy, .npz, .csv).
    """
    _check_table_flags([spec], signed, sign_magnitude)
    say_written(write_table(_integer_spec(spec, signed, sign_magnitude), output))


def _integer_spec(name: str, signed: bool, sign_magnitude: bool) -> IntegerSpec:
    spec = named_spec(name, signed, sign_magnitude)
    if spec.is_float:
        raise click.UsageError(f"{name} is a float spec; this takes integer ones")
    return spec


@click.command()
@click.argument("specs", nargs=-1)
@click.option("--samples", type=Whole(1, MAX_SAMPLES), help="Operand pairs; default all, or 2**22.")
@click.option(
    "--seed", type=Whole(0, MAX_SEED), default=0, show_default=True, help="Of the sample."
)
@click.option(
    "--include-zeros",
    is_flag=True,
    help="Relative metrics count pairs with a zero operand too, as a relative error of 0. "
    "Absolute metrics (med, nmed, wce, mse, error_rate) always count every pair.",
)
@click.option("--paper", is_flag=True, help="The MBM paper's Table I beside its figures.")
@click.option(
    "--published",
    metavar="[CSV]",
    is_flag=False,
    flag_value=PAPERS,
    help="The papers' errors beside ours, of all families; or those of a library's file: columns "
    "name, signed, MAE%, ... as EvoApproxLib has them, the product tables beside the file.",
)
@click.option("--against", metavar="SPEC", help="Compare every product with this one's instead.")
@with_table_flags
@with_formats
def errors(
    specs,
    samples,
    seed,
    include_zeros,
    paper,
    published,
    against,
    signed,
    sign_magnitude,
    style,
):
    """Print error metrics: SPECS are names or product tables (.npy, .npz, .csv).

    Default: the catalog. Relative errors in percent, of float specs those of significands; they
    leave out pairs whose exact product is 0. Up to 13 bits every pair is counted, wider ones by a
    seeded sample.
    """
    if sum([paper, published is not None, against is not None]) > 1:
        raise click.UsageError("give one of --paper, --published and --against")
    if against is not None and not specs:
        raise click.UsageError("--against compares SPECS: give at least one")
    if (paper or published is not None) and specs:
        option = "--paper" if paper else "--published"
        raise click.UsageError(f"{option} lists its own designs: give no SPECS")
    if published == PAPERS and include_zeros:
        raise click.UsageError("--published counts pairs as each paper does: no --include-zeros")
    if (published not in (None, PAPERS) or against) and (samples or include_zeros):
        option = "--published" if published else "--against"
        raise click.UsageError(f"{option} counts every pair: no --samples, no --include-zeros")
    _check_table_flags([*specs, against or ""], signed, sign_magnitude)
    if paper:
        print_rows(list(_paper_rows(PUBLISHED["mbm"], samples, seed)), style)
        return
    if published == PAPERS:
        rows = [
            row | {"source": publication.source}
            for publication in PUBLISHED.values()
            for row in _paper_rows(publication, samples, seed)
        ]
        print_rows(rows, style)
        return
    if published is not None:
        print_rows(list(published_figures(published)), style)
        return
    if against is not None:
        other = _integer_spec(against, signed, sign_magnitude)
        named = [(name, _integer_spec(name, signed, sign_magnitude)) for name in specs]
        print_rows([_difference_row(name, spec, against, other) for name, spec in named], style)
        return

    rows = []
    for name in specs or CATALOG:
        spec = named_spec(name, signed, sign_magnitude)
        metrics = _metrics(spec, samples, seed, include_zeros)
        rows.append({"multiplier": name} | {metric: getattr(metrics, metric) for metric in METRICS})
    print_rows(rows, style)


def _difference_row(name: str, spec: IntegerSpec, against: str, other: IntegerSpec) -> dict:
    difference = dataclasses.asdict(product_difference(spec, other))
    return {"multiplier": name, "against": against} | difference


def _metrics(spec: Spec, samples: int | None, seed: int, include_zeros: bool):
    if samples is None and pair_count(spec) > MAX_EXHAUSTIVE_PAIRS:
        samples = 2**22
    return error_metrics(spec, samples, seed, include_zeros)


def _paper_rows(publication: Publication, samples: int | None, seed: int) -> Iterator[dict]:
    for row in publication.rows:
        if (row.bias, row.mred, row.peak) == (None, None, None):
            continue
        spec = find_spec(row.spec)
        sampled = samples if spec.width > 8 else None
        metrics = _metrics(spec, sampled, seed, publication.include_zeros)
        yield {
            "multiplier": row.spec,
            "bias": metrics.bias,
            "paper's bias": row.bias,
            "mean": metrics.mred,
            "paper's mean": row.mred,
            "peak": max(metrics.peak_max, -metrics.peak_min),
            "paper's peak": row.peak,
            "standard error": metrics.standard_error,
            "pairs": metrics.relative_pairs,
        }
