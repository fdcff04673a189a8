"""Multipliers under names of the study's own: in every output, and in no row's key."""

import json

import pytest
from tiny_study import tiny_study

from mbm_hw.multipliers import MBM, Mitchell, Table, product_table
from mbm_hw.studies.description import Layers
from mbm_hw.studies.report import write_report
from mbm_hw.studies.results import write_results
from mbm_hw.studies.run import StudyRun

TABLE = Table(product_table(MBM(8)), sign_magnitude=True)


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    folder = tmp_path_factory.mktemp("named")
    study = tiny_study(
        folder,
        specs=(Mitchell(8, signed=True), TABLE),
        names={TABLE: "1L2H"},
        layers=Layers(each=False),
    )
    run = StudyRun(study, folder / "results")
    write_results(run, run.rows())
    (folder / "cost.json").write_text(
        json.dumps([{"design": TABLE.identifier, "build": "ROM", "area_um2": 10.0}])
    )
    write_report(folder / "results", cost=folder / "cost.json")
    return run


def test_the_name_is_in_every_output_and_the_hash_once_beside_it(named):
    for file in ("rows.csv", "rows.json", "table.md", "report.html", "summary.json"):
        assert "1L2H" in (named.folder / file).read_text(), file
    assert TABLE.identifier not in (named.folder / "rows.csv").read_text()
    table = (named.folder / "table.md").read_text()
    assert table.count(TABLE.identifier) == 1
    assert "| 1L2H   | table9s_" in table
    document = json.loads((named.folder / "summary.json").read_text())
    assert document["study"]["specs"] == ["mitchell8s", "1L2H"]
    assert {"name": "1L2H", "spec": TABLE.identifier, "description": repr(TABLE)} in document[
        "multipliers"
    ]
    assert "<td>1L2H ROM</td>" in (named.folder / "report.html").read_text()


def test_one_layer_set_runs_alone(named):
    assert {row["layer_set"] for row in named.rows()} == {"none", "all"}


def test_renaming_computes_nothing_and_shows_the_new_name(named, monkeypatch):
    monkeypatch.setattr(StudyRun, "converted", None)
    study = tiny_study(
        named.folder.parent,
        specs=named.study.specs,
        names={TABLE: "ours", Mitchell(8, signed=True): "theirs"},
        layers=Layers(each=False),
    )
    again = StudyRun(study, named.folder)
    renamed = {"1L2H": "ours", "mitchell8s": "theirs"}
    assert again.rows() == [
        row | {"spec": renamed.get(row["spec"], row["spec"])} for row in named.rows()
    ]
    assert again.description == named.description
