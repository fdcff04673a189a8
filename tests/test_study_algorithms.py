"""Algorithms as an axis of studies, and what `mbm-hw algorithms` and `ops` say of them."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from algorithm_models import Multiplier
from test_cli import call
from tiny_study import tiny_study
from torch import nn

from mbm_hw import CATALOG, MBM, Exact, FloatExact
from mbm_hw.nn import supports
from mbm_hw.studies import algorithms
from mbm_hw.studies.description import Layers
from mbm_hw.studies.operations import count_operations
from mbm_hw.studies.report import write_report
from mbm_hw.studies.results import write_results
from mbm_hw.studies.run import StudyRun


def test_multiplications_are_the_algorithms_in_the_layers_that_it_can_do():
    network = nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1), nn.Conv2d(6, 6, 3, stride=2), nn.Flatten(), nn.Linear(24, 4)
    )
    image = torch.zeros(4, 5, 6)
    direct = [5 * 6 * 6 * 4 * 9, 2 * 2 * 6 * 6 * 9, 24 * 4]
    for algorithm, expected in {
        "direct": direct,
        "winograd": [3 * 3 * 16 * 4 * 6, *direct[1:]],
        "winograd_4x4": [2 * 2 * 36 * 4 * 6, *direct[1:]],
        "fft": [1 * 1 * 124 * 4 * 6, *direct[1:]],
        "strassen": [7 * 3 * 6 * 3 * 2 * 9, 7 * 1 * 2 * 3 * 3 * 9, 7 * 1 * 12 * 2],
    }.items():
        counted = count_operations(network, image, algorithm)
        assert [layer.multiplications for layer in counted] == expected, algorithm
        assert [layer.lookups for layer in counted] == [
            layer.lookups for layer in count_operations(network, image)
        ]


def test_the_command_counts_the_multiplications_of_an_algorithm(capsys):
    """The decoder's 3x3 layers have even sizes: 4 of 9 products are left in each."""
    network = "models/depth_small.py:depth_small"
    status, direct, _ = call(capsys, "ops", network, "--input", "120x160", "--json")
    status, winograd, _ = call(
        capsys, "ops", network, "--input", "120x160", "--json", "--algorithm", "winograd"
    )
    counts = [
        {row["layer"]: row["multiplications"] for row in json.loads(text)}
        for text in (direct, winograd)
    ]
    decoder = [name for name in counts[0] if name.startswith("decoder.up4")]
    assert len(decoder) == 2
    assert all(counts[1][name] * 9 == counts[0][name] * 4 for name in decoder)
    status, _, error = call(capsys, "ops", network, "--algorithm", "toom")
    assert status == 2
    assert "algorithm must be one of direct, winograd" in error


@pytest.fixture
def tiny_layer(monkeypatch):
    """A 3x3 layer that is given random values, in place of a network's."""
    torch.manual_seed(0)
    conv, x = nn.Conv2d(4, 6, 3, padding=1), torch.randn(1, 4, 12, 12)
    network = nn.Sequential(conv)
    monkeypatch.setattr(algorithms, "load_network", lambda name: network)
    monkeypatch.setattr(algorithms, "load_weights", lambda network, weights: None)
    monkeypatch.setattr(algorithms, "load_data", lambda data: [(x[0], None)])
    return conv, x


def rows_of(spec):
    rows = algorithms.algorithm_rows("", "", {}, "0", spec)
    return {row["algorithm"]: row for row in rows}


def test_integer_specs_have_no_rows_for_fourier_transforms(tiny_layer):
    assert list(rows_of(MBM(16, signed=True))) == ["direct", "winograd", "winograd_4x4", "strassen"]
    assert list(rows_of(CATALOG["mbm_bf16"]))[3:] == ["fft", "fft_gauss", "strassen"]


def test_exact_products_have_neither_bias_nor_noise(tiny_layer):
    for row in rows_of(Exact(16, signed=True)).values():
        assert row["bias"] == 0
        assert row["sqnr"] == np.inf


def test_the_bias_is_that_of_all_products(tiny_layer):
    """Of the direct ones, summed here one by one."""
    conv, x = tiny_layer
    spec = CATALOG["mbm_bf16"]
    patches = nn.functional.unfold(x.bfloat16().float().abs(), 3, padding=1)[0].T.numpy()
    weights = conv.weight.detach().bfloat16().float().abs().flatten(1).numpy()
    approximate, exact = (
        Multiplier(s).dot(patches[:, None], weights[None]).astype(np.float64).sum()
        for s in (spec, FloatExact(8, 7))
    )
    expected = 100 * (approximate / exact - 1)
    assert rows_of(spec)["direct"]["bias"] == pytest.approx(expected, rel=1e-3)


def test_independent_errors_make_the_predicted_noise(tiny_layer, monkeypatch):
    """Products wrong by independent 1 % of their own: the output's SQNR falls as `noise` says."""
    conv, x = tiny_layer
    generator = torch.Generator().manual_seed(2)
    found = {}
    with torch.inference_mode():
        for name in ("direct", "winograd", "winograd_4x4", "fft", "fft_gauss", "strassen"):

            def products(x, w, stride, dilation, groups):
                x, w = x.double(), w.double()
                variance = nn.functional.conv2d(x**2, w**2, None, stride, 0, dilation, groups)
                exact = nn.functional.conv2d(x, w, None, stride, 0, dilation, groups)
                noise = torch.randn(exact.shape, generator=generator, dtype=torch.float64)
                return exact + 0.01 * variance.sqrt() * noise

            y = algorithms._sums(name, conv, x, conv.weight, products)
            exact = conv(x).double() - conv.bias[:, None, None]
            found[name] = float(10 * torch.log10((y - exact).square().sum()))
    rows = rows_of(CATALOG["mbm_fp32"])
    for name, decibels in found.items():
        assert decibels - found["direct"] == pytest.approx(rows[name]["noise"], abs=0.7), name
    assert rows["winograd_4x4"]["noise"] > rows["winograd"]["noise"] + 5


@pytest.fixture
def study(tmp_path):
    return tiny_study(tmp_path)


@pytest.fixture
def several(study):
    """The tiny study, in a format of each kind, by three algorithms."""
    specs = (MBM(16, signed=True), CATALOG["mbm_bf16"])
    algorithms = ("direct", "winograd", "fft")
    return dataclasses.replace(study, specs=specs, algorithms=algorithms)


def test_algorithms_are_an_axis_of_a_study(several, tmp_path):
    """Of its layers, only "2" is a 3x3 convolution of stride 1, with one output pixel."""
    run = StudyRun(several, tmp_path)
    rows = run.rows()
    found = {(r["spec"], r["algorithm"], r["layer_set"]): r for r in rows}
    sets = {"direct": ["0", "2", "4", "all"], "winograd": ["2", "all"], "fft": ["2", "all"]}
    expected = {("float", "direct", "none")}
    for spec in ("exact16s", "exact_bf16", "mbm16s", "mbm_bf16"):
        for algorithm in ("direct", "winograd", "fft")[: 3 if "bf16" in spec else 2]:
            expected |= {(spec, algorithm, name) for name in sets[algorithm]}
    assert found.keys() == expected
    assert len(rows) == len(expected) * 7 == run.total
    counts = {a: found["mbm_bf16", a, "all"]["multiplications"] for a in sets}
    others = 4 * 9 * 9 + 60
    assert counts == {
        "direct": 4 * 6 * 9 + others,
        "winograd": 4 * 6 * 16 + others,
        "fft": 4 * 6 * 124 + others,
    }
    outputs = {found["mbm16s", a, "2"]["output_sqnr_db"] for a in ("direct", "winograd")}
    assert len(outputs) == 2, "the algorithm makes no difference"


def test_a_case_has_its_algorithm_where_it_can_be(several, tmp_path):
    run = StudyRun(several, tmp_path)
    (case,) = (
        c
        for c in run.cases
        if (c.spec_name, c.algorithm, c.layer_set) == ("mbm16s", "winograd", "all")
    )
    network = run.converted(case)
    assert [network[i].algorithm for i in (0, 2, 4)] == ["direct", "winograd", "direct"]
    assert supports("winograd", run.network[2])


def test_rows_of_another_algorithm_are_not_found_in_the_store(several, tmp_path):
    run = StudyRun(several, tmp_path)
    keys = [key for unit in run.units for key in run.keys(unit)]
    assert len(set(keys)) == len(keys) == run.total


def test_results_lay_the_algorithms_side_by_side(several, tmp_path):
    run = StudyRun(several, tmp_path)
    write_results(run, run.rows())
    text = (tmp_path / "table.md").read_text()
    assert "| 2        | mbm_bf16 winograd" in text
    measured = [line.split("|") for line in text.splitlines() if "| mbm_bf16 fft " in line][-2]
    assert "2,976" in map(str.strip, measured), "24 x 124 products in layer 2"
    document = json.loads((tmp_path / "summary.json").read_text())
    baselines = {(s["spec"], s["algorithm"]): s["baseline"] for s in document["summaries"]}
    assert baselines["mbm_bf16", "fft"] == "exact_bf16 fft"
    report = write_report(tmp_path).read_text()
    assert report.count("<h3>mbm_bf16 fft against exact_bf16 fft</h3>") == 1


def test_an_algorithm_that_can_do_no_layer_is_refused(several, tmp_path):
    alone = dataclasses.replace(several, layers=Layers(each="4"))
    with pytest.raises(ValueError, match="algorithms: winograd can do none of the layers"):
        StudyRun(alone, tmp_path)
