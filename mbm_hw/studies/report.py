"""A study's results as one HTML file that needs nothing else: no network, no folder beside it."""

import base64
import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
import yaml

from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.studies.description import FLOAT, multiplier_name
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.paired import TESTS, Change
from mbm_hw.studies.results_file import StudyKeys, read_costs, read_results
from mbm_hw.studies.summary import MEASURES, interval_text, measure, unscored_text
from mbm_hw.system.files import replacing

PICTURES = ("layers.png", "errors.png", "predictions.png")
COST = (  # figure, heading, digits
    ("area_um2", "area, um²", 0),
    ("delay_ns", "delay, ns", 2),
    ("energy_uniform_glitch_pj", "energy of an operation, pJ", 2),
)


def write_report(
    folder: str | Path, output: str | Path | None = None, cost: str | Path | None = None
) -> Path:
    """Write the report of the study whose results are in `folder`; return its path.

    output : by default report.html in `folder`. cost : a cost.json of `mbm-hw cost --output`, or
    None: then nothing is said about hardware. A file that is missing, is no JSON, or lacks what
    this version writes is a ValueError; nothing is written then.
    """
    folder = Path(folder)
    path = folder / "report.html" if output is None else Path(output)
    inputs = (os.path.realpath(folder / name) for name in ("summary.json", *PICTURES))
    if os.path.realpath(path) in inputs:
        raise ValueError(f"{path} is an input: give another file to write")
    document = read_results(folder)
    costs = None if cost is None else read_costs(Path(cost), [figure for figure, *_ in COST])
    study, summaries = document["study"], document["summaries"]
    evaluation = EVALUATIONS[study["metrics"]]
    study_file = {key: study[key] for key in StudyKeys.__annotations__ if key != "name"}
    template = environment("mbm_hw.studies").get_template("report.html.jinja")
    text = template.render(
        study=study,
        study_file=yaml.safe_dump(study_file, sort_keys=False),
        weights=document["weights"],
        again=document["versions"] | document["machine"],
        evaluation=evaluation,
        coverage=document["coverage"]["sentence"],
        images=summaries[0]["images"] + len(summaries[0]["unscored"]),
        unscored=unscored_text(summaries[0]["unscored"]),
        tests=TESTS,
        interval_text=lambda found: interval_text(change_of(found)),
        float_row=next(s for s in summaries if s["spec"] == FLOAT),
        tables=metric_tables(summaries),
        rankings=sensitivity(summaries, evaluation),
        named=[row for row in document["multipliers"] if row["name"] != row["spec"]],
        multipliers=document["errors"]["multipliers"],
        differences=document["errors"]["differences"],
        cost=None if cost is None else cost_rows(costs, document["multipliers"]),
        cost_headings=[heading for _, heading, _ in COST],
        measures=[heading for heading, *_ in MEASURES],
        measured=measured,
        pictures={path.stem: embedded(path) for path in map(folder.joinpath, PICTURES)},
    )
    with replacing(path) as file:
        file.write(text)
    return path


def environment(package: str) -> jinja2.Environment:
    """Return the environment of the pages whose templates are in `package`, text escaped.

    Its filter `number` takes a style of %, and gives a dash for null.
    """
    found = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    found.filters["number"] = _number
    return found


def metric_tables(summaries: Sequence[Mapping]) -> dict[str, list[Mapping]]:
    """Return the summaries of each multiplier, float left out, in their order."""
    tables: dict[str, list[Mapping]] = {}
    for summary in summaries:
        if summary["spec"] != FLOAT:
            name = multiplier_name(summary["spec"], summary.get("algorithm", DIRECT))
            tables.setdefault(name, []).append(summary)
    return tables


def measured(summary: Mapping) -> list[str]:
    """Return a summary's cells under the headings of MEASURES."""
    return [measure(summary[name], *how) for _, name, *how in MEASURES]


def sensitivity(summaries: Sequence[Mapping], evaluation) -> dict[str, list[dict]]:
    """Return for each approximate multiplier its layer sets, those first that suffer most.

    harm : by how much the headline metric became worse, in percent of the baseline; negative where
    it became better. share : of the largest |harm| of that multiplier, 0 to 1.
    """
    sign = -1 if evaluation.headline in evaluation.higher_is_better else 1
    rankings = {}
    for spec, rows in metric_tables(summaries).items():
        changes = {row["layer_set"]: row["changes"].get(evaluation.headline) for row in rows}
        known = {n: c for n, c in changes.items() if c is not None and c["percent"] is not None}
        largest = max((abs(change["percent"]) for change in known.values()), default=0) or 1
        ranking = [
            change
            | {"layer_set": name, "harm": sign * change["percent"]}
            | {"share": abs(change["percent"]) / largest, "is_noise": change_of(change).is_noise}
            for name, change in known.items()
        ]
        if ranking:
            rankings[spec] = sorted(ranking, key=lambda row: -row["harm"])
    return rankings


def change_of(found: Mapping) -> Change:
    """Return a change from a JSON file, where null stands for nan."""
    names = [field.name for field in dataclasses.fields(Change)]
    return Change(**{n: float("nan") if found[n] is None else found[n] for n in names})


def cost_rows(costs: Sequence[Mapping], multipliers: Sequence[Mapping]) -> list[dict]:
    """Return design, cells (figure and what it saves in percent) for the study's multipliers."""
    names = {multiplier["spec"]: multiplier["name"] for multiplier in multipliers}
    return [
        {
            "design": f"{names[row['design']]} {row['build']}".strip(),
            "cells": [_cost_cell(row, *column) for column in COST],
        }
        for row in costs
        if row["design"] in names
    ]


def _cost_cell(row, figure, _, digits) -> str:
    value, saved = row.get(figure), row.get(f"{figure}_saved")
    if value is None:
        return "-"
    return f"{value:,.{digits}f}" + ("" if saved is None else f" ({-saved:+.0f} %)")


def _number(value: float | None, style: str) -> str:
    """Return a number in a style of %, or a dash for null."""
    return "\N{EN DASH}" if value is None else style % value


def embedded(path: Path) -> str | None:
    """Return a PNG file as a URL that holds it; None if there is no such file."""
    if not path.is_file():
        return None
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
