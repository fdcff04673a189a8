"""The atlas: its points come from the families, and its committed rows are what is found now."""

import csv
import io
from dataclasses import dataclass, replace

import numpy as np
import pytest
from browser import page_of

from mbm_hw import CATALOG, Table, error_metrics, find_spec, product_table
from mbm_hw.atlas.networks import atlas_study, network_figures, unable
from mbm_hw.atlas.page import committed_document, write_atlas
from mbm_hw.atlas.pictures import front
from mbm_hw.atlas.points import (
    EXACT,
    LIBRARY,
    LISTED,
    SWEPT,
    WIDTHS,
    Point,
    design_points,
    library_points,
    neighbours,
    signed_table,
    unsigned,
)
from mbm_hw.atlas.rows import ERRORS, atlas_rows, without_price
from mbm_hw.cli import main
from mbm_hw.cost.rows import SAMPLES
from mbm_hw.multipliers import IntegerSpec, registry
from mbm_hw.multipliers.parameters import integer
from mbm_hw.studies.run import StudyRun

DOCUMENT = committed_document()
ROWS = {(row["multiplier"], row["build"]): row for row in DOCUMENT["rows"]}
NARROW = "models/digits_narrow.yaml"


def names(origin):
    return {point.name for point in design_points() if point.origin == origin}


def test_every_point_that_a_family_lists_is_in_the_atlas():
    points = {point.spec: point for point in design_points()}
    for spec in CATALOG.values():
        if spec.width in WIDTHS:
            assert unsigned(spec) in points, spec
            assert points[unsigned(spec)].network.signed


def test_a_new_family_comes_in_by_itself():
    held = registry.state()
    try:

        @registry.family("cutoff", points=["cutoff8_k3", "cutoff16s_k5"])
        @dataclass(frozen=True, kw_only=True)
        class Cutoff(IntegerSpec):
            width: int
            k: int = integer("k", 1, 7)
            signed: bool = False

        assert {"cutoff8_k3", "cutoff16_k5"} <= names(LISTED)
        assert {"cutoff8_k2", "cutoff8_k4"} <= names(SWEPT)
    finally:
        registry.restore(held)


def test_a_sweep_is_one_legal_step_of_the_last_parameter():
    assert neighbours(find_spec("drum8_k4")) == [find_spec("drum8_k3"), find_spec("drum8_k5")]
    assert neighbours(find_spec("mbm8")) == [find_spec("mbm8_t1")]
    assert neighbours(find_spec("tosam8_h2_t4"))[0] == find_spec("tosam8_h2_t3")
    assert neighbours(find_spec("roba8")) == []


def test_exact_multipliers_are_those_of_the_points():
    assert {"exact8", "exact8s", "exact16", "exact_bf16", "exact_e4m3"} <= names(EXACT)


@pytest.mark.parametrize("name", ["drum8_k4", "momeni8_c8"])
def test_a_table_of_magnitudes_gets_its_signs(name):
    spec = find_spec(name)
    expected = product_table(spec.twin(signed=True))
    assert np.array_equal(signed_table(Table(product_table(spec))).array, expected)


def test_a_library_has_rows_without_a_price_that_say_so(tmp_path):
    np.save(tmp_path / "one.npy", product_table("drum8_k4"))
    (tmp_path / "published.csv").write_text("name,signed,MAE%\none,False,1.0\n")
    (point,) = library_points(tmp_path / "published.csv")
    assert point.origin == LIBRARY
    errors = {point: vars(error_metrics(point.spec))}
    (row,) = atlas_rows([point], errors, {}, [])
    assert row["mred"] == pytest.approx(ROWS["drum8_k4", ""]["mred"])
    assert row["area_um2"] is None
    assert "No price yet" in row["remarks"]


def test_a_family_without_a_component_or_a_kernel_has_a_row_that_says_so():
    @dataclass(frozen=True, kw_only=True)
    class Nothing(IntegerSpec):
        width: int
        signed: bool = False
        family = "nothing"

    for width in WIDTHS:
        spec = Nothing(width=width)
        assert without_price(Point("n", "n", LISTED, spec, None)).startswith("No price: ")
    assert "signed" in unable(Point("n", "n", LISTED, spec, None))


def test_no_point_dominates_one_of_the_front():
    generator = np.random.default_rng(0)
    points = [tuple(point) for point in generator.integers(0, 30, (60, 2)).tolist()]
    chosen = front(points)
    for i in range(len(points)):
        better = [p for p in points if p != points[i] and np.all(np.less_equal(p, points[i]))]
        assert (i in chosen) == (not better and points.index(points[i]) == i)
    assert [points[i] for i in chosen] == sorted(points[i] for i in chosen)


def test_the_errors_of_all_committed_8_bit_rows_are_those_found_now():
    compared = 0
    for row in DOCUMENT["rows"]:
        if row["width"] == 8 and row["origin"] != LIBRARY:
            now = error_metrics(row["multiplier"])
            assert {e: row[e] for e in ERRORS} == pytest.approx(
                {e: getattr(now, e) for e in ERRORS}, rel=1e-9, abs=1e-12
            ), row["multiplier"]
            compared += 1
    assert compared > 50


def test_the_errors_of_a_committed_16_bit_row_are_those_found_now():
    row, now = ROWS["drum16_k6", ""], error_metrics("drum16_k6", SAMPLES)
    assert {e: row[e] for e in ERRORS} == pytest.approx({e: getattr(now, e) for e in ERRORS})


def test_the_price_of_a_committed_row_is_the_one_found_now(costing):
    row = ROWS["mbm8_t4", ""]
    full = replace(costing, streams=())
    now = full.on_cells("mbm8_t4", "array")
    for figure in ("area_um2", "gate_equivalents", "delay_ns"):
        assert row[figure] == pytest.approx(now[figure], rel=0.01), figure


def test_the_accuracy_of_a_committed_row_is_the_one_found_now(tmp_path):
    points = [p for p in design_points() if p.name in ("exact8", "drum8_k3", "mbm8")]
    study = atlas_study(NARROW, None, points)
    run = StudyRun(study, tmp_path)
    with run.open_store() as store:
        for _ in run.compute(store, run.units):
            pass
        found = network_figures(run, store)
    for point in points:
        row = ROWS[point.name, "array" if point.origin == EXACT else ""]
        value = found.columns(point)[found.column]
        assert row[found.column] == pytest.approx(value, abs=2 / 797), point.name
    assert found.columns(points[0])["digits_narrow_change"] is None


def test_the_digits_tell_multipliers_apart():
    """The families' own points, not only the sweep, spread over more than five percent."""
    rows = [r for r in DOCUMENT["rows"] if r["width"] == 8 and r["origin"] == LISTED]
    accuracies = sorted(r["digits_narrow_top1"] for r in rows if r["digits_narrow_top1"])
    tenth, ninetieth = np.quantile(accuracies, [0.1, 0.9])
    assert ninetieth - tenth > 0.05
    significant = [r for r in rows if r["digits_narrow_is_noise"] is False]
    assert len(significant) > 5


def test_a_missing_figure_has_its_reason_in_the_row():
    for row in DOCUMENT["rows"]:
        assert (row["area_um2"] is None) == ("No price" in row["remarks"]), row["multiplier"]


def test_the_committed_rows_are_written_as_page_and_files(tmp_path, capsys):
    assert main_status(["atlas", "--committed", "-o", str(tmp_path), "--csv"]) == 0
    printed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(printed) == len(DOCUMENT["rows"])
    assert {"atlas.html", "atlas.json", "atlas.csv", "mred.png"} <= {
        path.name for path in tmp_path.iterdir()
    }


def main_status(arguments):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    return write_atlas(DOCUMENT, tmp_path_factory.mktemp("atlas"))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_sorts_and_searches(page_file, width):
    with page_of(page_file.as_uri(), width) as (page, complaints):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth)")
        assert page.evaluate("document.images.length") == 1 + len(DOCUMENT["networks"])
        cells = "[...document.querySelectorAll('#atlas tbody tr:not([hidden])')].map(r => r.cells"
        page.get_by_role("button", name="MRED, %").click()
        values = page.evaluate(f"{cells}[5].dataset.value)")
        assert [float(v) for v in values] == sorted(float(v) for v in values)
        page.get_by_role("button", name="area, um²").click()
        areas = page.evaluate(f"{cells}[9].dataset.value)")
        known = [float(area) for area in areas if area]
        assert known == sorted(known)
        assert areas == sorted(areas, key=lambda area: area == "")  # what is missing comes last
        page.locator("#search").fill("drum 16")
        assert page.evaluate(f"{cells}[0].textContent)") == ["drum16_k6"]
        assert page.inner_text("#shown").startswith("1 of ")
        assert complaints == []
