"""The atlas as files: rows as JSON and CSV, pictures, and one HTML page that needs nothing else."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from mbm_hw.atlas.networks import NetworkFigures
from mbm_hw.atlas.pictures import front_rows, plot_over_energy
from mbm_hw.atlas.points import LISTED
from mbm_hw.studies.report import embedded, environment
from mbm_hw.system.files import replacing, write_csv, write_json

COLUMNS = (  # name in a row, heading, style
    ("width", "bits", "%d"),
    ("bias", "bias, %", "%+.3f"),
    ("mred", "MRED, %", "%.3f"),
    ("nmed", "NMED", "%.5f"),
    ("peak_min", "lowest, %", "%+.1f"),
    ("peak_max", "highest, %", "%+.1f"),
    ("area_um2", "area, um²", "%.0f"),
    ("area_um2_saved", "saved, %", "%.1f"),
    ("delay_ns", "delay, ns", "%.2f"),
    ("energy_uniform_glitch_pj", "energy, pJ", "%.2f"),
    ("energy_uniform_glitch_pj_saved", "saved, %", "%.1f"),
    ("energy_layer_glitch_pj", "energy in a layer, pJ", "%.2f"),
    ("energy_layer_glitch_pj_saved", "saved, %", "%.1f"),
)
ENERGY = "energy_layer_glitch_pj"
"""The column of the energy that a network's metric is drawn over."""
FRONT_COLUMNS = (  # of the table of a front, after the network's own
    (ENERGY, "energy, pJ", "%.2f"),
    (f"{ENERGY}_saved", "energy saved, %", "%.1f"),
    ("area_um2", "area, um2", "%.0f"),
    ("area_um2_saved", "area saved, %", "%.1f"),
    ("delay_ns", "delay, ns", "%.2f"),
)


def document_of(
    rows: Sequence[Mapping], networks: Sequence[NetworkFigures], made_with: Mapping[str, str]
) -> dict:
    """Return the atlas as plain values: rows, networks, and what they were made with."""
    return {
        "rows": list(rows),
        "networks": [
            {
                "name": figures.name,
                "metric": figures.metric,
                "column": figures.column,
                "higher_is_better": figures.higher_is_better,
                "description": figures.description,
                "exact_float": figures.exact_float,
            }
            for figures in networks
        ],
        "made_with": dict(made_with),
    }


def committed_document() -> dict:
    """Return the atlas that comes with this package: hours of synthesis, done once."""
    return json.loads((files("mbm_hw.atlas") / "atlas.json").read_text(encoding="utf-8"))


def front_table(document: Mapping, network: Mapping, width: int) -> list[dict[str, str]]:
    """Return the multipliers whose metric no other reaches with less energy, as a table's cells.

    network : one of the document's. width : bits of the integer multipliers. The energy is that of
    an operation on a layer's operands; savings are against the exact multiplier for the same
    operands. Changes are against it too; `~` marks those that may be noise.
    """
    column, name = network["column"], network["name"]
    rows = [row for row in document["rows"] if row["width"] == width]
    rows = front_rows(rows, ENERGY, column, higher_is_better=network["higher_is_better"])
    return [
        {
            "multiplier": " ".join(filter(None, (row["multiplier"], row["build"]))),
            f"{name}, {network['metric']}": f"{row[column]:.4f}",
            "change, %": _change(row[f"{name}_change"], row[f"{name}_is_noise"]),
            **{heading: style % row[name] for name, heading, style in FRONT_COLUMNS},
        }
        for row in rows
    ]


def _change(percent: float | None, is_noise: bool | None) -> str:
    return "" if percent is None else f"{percent:+.1f}{' ~' if is_noise else ''}"


def write_atlas(document: Mapping, folder: str | Path) -> Path:
    """Write atlas.json, atlas.csv, the pictures and atlas.html into `folder`; return the page."""
    folder, rows = Path(folder), document["rows"]
    write_json(folder / "atlas.json", document)
    write_csv(folder / "atlas.csv", rows)
    pictures = {
        "MRED over energy, uniform operands": plot_over_energy(
            rows, "energy_uniform_glitch_pj", "mred", "MRED, percent", folder / "mred.png"
        )
    }
    for network in document["networks"]:
        name, metric = network["name"], network["metric"]
        pictures[f"{metric} of {name} over energy, a layer's operands"] = plot_over_energy(
            rows,
            ENERGY,
            network["column"],
            f"{metric} of {name}",
            folder / f"{name}.png",
            higher_is_better=network["higher_is_better"],
        )
    template = environment("mbm_hw.atlas").get_template("page.html.jinja")
    text = template.render(
        rows=rows,
        columns=COLUMNS,
        networks=document["networks"],
        made_with=document["made_with"],
        pictures={title: embedded(path) for title, path in pictures.items() if path},
        points=len({row["multiplier"] for row in rows}),
        families=len({row["family"] for row in rows if row["origin"] == LISTED}),
        unpriced=[row["multiplier"] for row in rows if row["area_um2"] is None],
    )
    path = folder / "atlas.html"
    with replacing(path) as file:
        file.write(text)
    return path
