"""The JSON files that a report is made of: what they must hold, checked when they are read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from mbm_hw.multipliers.differences import Difference
from mbm_hw.multipliers.errors import ErrorMetrics
from mbm_hw.studies.description import FLOAT
from mbm_hw.studies.evaluation import EVALUATIONS
from mbm_hw.studies.fields import Rule, check, json_kind
from mbm_hw.studies.summary import Summary
from mbm_hw.system.contents import TEXT, contents

Plain = str | int | float | bool | None


class StudyKeys(TypedDict):
    name: str
    network: str
    weights: str | Mapping[Literal["random"], int]
    data: Annotated[
        Mapping[str, Plain | Sequence[Plain]],
        Rule("a mapping with the key 'kind'", lambda data: "kind" in data),
    ]
    specs: Sequence[str]
    layers: Mapping[str, Plain | Mapping[str, str]]
    metrics: Annotated[str, Rule(f"one of {', '.join(EVALUATIONS)}", EVALUATIONS.__contains__)]
    quantizer: str
    batch: int
    algorithms: Sequence[str]


class Multiplier(TypedDict):
    name: str
    spec: str
    description: str


class Weights(TypedDict):
    name: str
    is_random: bool
    sha256: str


class Coverage(TypedDict):
    sentence: str


class SpecOfErrors(TypedDict):
    spec: str


class PairOfTables(TypedDict):
    table: str
    other: str


class Errors(TypedDict):
    multipliers: Mapping[str, Any]
    differences: Sequence[Any]


class Results(TypedDict):
    """The parts of summary.json that a report needs."""

    study: StudyKeys
    multipliers: Sequence[Multiplier]
    weights: Weights
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    coverage: Coverage
    errors: Errors
    summaries: Annotated[
        Sequence[json_kind(Summary)],
        Rule("a list of summaries, float first", bool),
    ]


class Cost(TypedDict):
    design: str
    build: str


def read_results(folder: Path) -> Results:
    """Return the summary.json of a study's folder; a ValueError says what is wrong with it."""
    path = folder / "summary.json"
    document = _read_json(path, "mbm-hw study run")
    try:
        check(document, Results, "document")
        for name, multiplier in document["errors"]["multipliers"].items():
            for kind in (SpecOfErrors, json_kind(ErrorMetrics)):
                check(multiplier, kind, f"errors.multipliers.{name}")
        for index, pair in enumerate(document["errors"]["differences"]):
            for kind in (PairOfTables, json_kind(Difference)):
                check(pair, kind, f"errors.differences[{index}]")
        _check_summaries(document)
    except ValueError as error:
        raise ValueError(
            f"{path} is not what mbm-hw study run of this version writes: {error}"
        ) from error
    return document


def _check_summaries(document: Results) -> None:
    summaries, metrics = document["summaries"], EVALUATIONS[document["study"]["metrics"]].metrics
    if summaries[0]["spec"] != FLOAT:
        raise ValueError(f"summaries[0] must be of {FLOAT}, not of {summaries[0]['spec'][:40]!r}")
    for index, summary in enumerate(summaries):
        for part in ("averages", "changes"):
            others = set(metrics) ^ set(summary[part])
            if others and (part == "averages" or summary[part]):
                expected = ", ".join(metrics)
                raise ValueError(f"summaries[{index}].{part} must be of the metrics {expected}")


def read_costs(path: Path, figures: Sequence[str]) -> list[Mapping]:
    """Return the rows of a cost.json, whose `figures` are numbers where they are there."""
    rows = _read_json(path, "make synth")
    try:
        check(rows, Sequence[Cost], "document")
        for index, row in enumerate(rows):
            for figure in figures:
                check(row.get(figure), float | None, f"document[{index}].{figure}")
    except ValueError as error:
        raise ValueError(f"{path} is not what mbm-hw cost --output writes: {error}") from error
    return rows


def _read_json(path: Path, source: str) -> Any:
    try:
        if (kind := contents(path)) != TEXT:
            raise ValueError(f"it is {kind}")
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False).encode()  # a half of a character cannot be shown
    except FileNotFoundError:
        raise ValueError(f"there is no {path}, which {source} writes") from None
    except RecursionError:
        raise ValueError(f"{path} is no JSON file of {source}: it has too many levels") from None
    except ValueError as error:
        raise ValueError(f"{path} is no JSON file: {error}") from None
    return document
