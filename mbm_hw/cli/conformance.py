"""The conformance suite on families of multipliers."""

import importlib
import sys
from collections.abc import Sequence

import click

from mbm_hw.cli.options import print_rows, with_formats
from mbm_hw.multipliers import Spec, families, find_spec
from mbm_hw.multipliers.names import families_in, is_of_file
from mbm_hw.multipliers.registry import Family, family_of_spec

_WORDS = {"ok": "ok", "failed": "FAILED", "absent": "-"}


class Widths(click.ParamType):
    """Widths with commas between them, as 4,8."""

    name = "widths"

    def convert(self, value, param, ctx):
        from mbm_hw.conformance import WIDTHS

        known = {str(width): width for width in WIDTHS}
        if isinstance(value, str):
            words = value.split(",")
            if unknown := [word for word in words if word not in known]:
                self.fail(f"{unknown[0]!r} is not one of {', '.join(known)}.", param, ctx)
            return tuple(known[word] for word in dict.fromkeys(words))
        return value


@click.command()
@click.argument("names", nargs=-1, metavar="[FAMILY]...")
@click.option("--widths", type=Widths(), help="Of 4,6,8,12,16,32 some; default all.")
@click.option(
    "--also",
    multiple=True,
    metavar="MODULE",
    help="Checks of another module too: in the project's folder, proof.conformance.",
)
@with_formats
def check(names, widths, also, style):
    """Check that families of multipliers keep what all must keep.

    FAMILY is a family's name such as drum or float_mbm, a class in a file of yours (my.py:Mine),
    whose code is run, or one multiplier (drum8_k4, "my.py:Mine(width=8)"). Default: all families.
    Exit status 1 if a check fails.
    """
    from tqdm import tqdm

    from mbm_hw.conformance import CHECKS, WIDTHS, conform

    _import_checks(also)
    chosen = [item for name in names for item in _chosen(name)]
    chosen = chosen or [(entry, None) for entry in families()]
    results = []
    with tqdm(total=len(chosen) * len(CHECKS), desc="check", disable=None, leave=False) as bar:
        for entry, specs in chosen:
            bar.set_postfix_str(entry.label)
            for result in conform(entry, specs, widths or WIDTHS):
                results.append(result)
                bar.update()
    if style is None:
        _print_table(results)
    else:
        print_rows([result._asdict() for result in results], style)
    return int(any(result.result == "failed" for result in results))


def _import_checks(modules: Sequence[str]):
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise click.UsageError(f"--also {module}: {error}") from error


def _chosen(name: str) -> list[tuple[Family, list[Spec] | None]]:
    """Return the families that a name stands for, each with the specs to check; None for many."""
    if is_of_file(name) and name.rpartition(":")[2].isidentifier():
        return [(entry, None) for entry in families_in(name)]
    found = [entry for entry in families() if name in (entry.name, entry.label)]
    if found:
        return [(entry, None) for entry in found]
    spec = find_spec(name)
    return [(family_of_spec(spec), [spec])]


def _print_table(results):
    checks = list(dict.fromkeys(result.check for result in results))
    rows = {}
    for result in results:
        row = rows.setdefault(result.family, {"family": result.family} | dict.fromkeys(checks, ""))
        row[result.check] = _WORDS[result.result]
    if len(rows) == 1:
        print_rows([_row(result) for result in results], None)
    else:
        print_rows(list(rows.values()), None)
    for result in results:
        if result.result == "failed":
            click.echo(f"{result.family}: {result.check}: {result.detail}")
    if len(rows) > 1:
        _print_absent(results)
    failed = sum(result.result == "failed" for result in results)
    ran = sum(result.result != "absent" for result in results)
    click.echo(f"{len(rows)} families, {ran} checks, {failed} failed", file=sys.stdout)


def _row(result) -> dict:
    return {
        "check": result.check,
        "result": _WORDS[result.result],
        "multipliers": result.checked or "",
        "remark": result.detail if result.result != "failed" else "",
    }


def _print_absent(results):
    reasons = {}
    for result in results:
        if result.result == "absent":
            reasons.setdefault((result.check, result.detail), []).append(result.family)
    for (name, reason), labels in reasons.items():
        click.echo(f"- {name}: {reason}: {', '.join(labels)}")
