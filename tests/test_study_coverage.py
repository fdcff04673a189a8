"""A study's share of approximate multiplications, and the layers that it cannot approximate."""

import json
import textwrap

import pytest
from test_cli import call

NETWORKS = """
import torch
from torch import nn
from torch.nn import functional as F

class Own(nn.Conv2d):
    pass

class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.own = nn.Conv2d(1, 4, 3, stride=2), Own(4, 4, 1)
        self.up, self.line = nn.ConvTranspose2d(4, 4, 2, stride=2), nn.Conv1d(4, 4, 3)
        self.f = nn.Linear(4, 10)
    def forward(self, x):
        return self.f(self.line(self.up(self.own(self.a(x))).flatten(2)).mean(2))

class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.f = nn.Conv2d(1, 4, 3, stride=2), nn.Linear(36, 10)
        self.steps = [self.a]
    def forward(self, x):
        return self.f(self.steps[0](x).flatten(1))

class Used(Listed):
    def forward(self, x):
        return self.f(F.conv2d(x, self.a.weight, stride=2).flatten(1))

def mixed() -> nn.Module:
    return Mixed()

def listed() -> nn.Module:
    return Listed()

def used() -> nn.Module:
    return Used()
"""

STUDY = """
network: nets.py:{network}
weights: {{random: 0}}
data: {{kind: digits, seed: 0, images: 2, calibration_images: 4}}
specs: [mitchell8s]
layers: {layers}
metrics: classification
"""

COUNTS = {"a": 9 * 4 * 9, "own": 9 * 4 * 4, "up": 9 * 4 * 16, "line": 34 * 4 * 12, "f": 40}
TOTAL = sum(COUNTS.values())


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text(textwrap.dedent(NETWORKS))

    def run(network, layers="{each: false}"):
        (tmp_path / "study.yaml").write_text(STUDY.format(network=network, layers=layers))
        return call(capsys, "study", "run", "study.yaml")

    return run


def test_the_table_and_the_report_state_the_approximate_share(run, tmp_path, capsys):
    status, out, _ = run("mixed", '{groups: {first: "a"}}')
    assert status == 0
    approximate = COUNTS["a"] + COUNTS["f"]
    sentence = (
        f"Layer set all: {approximate:,} of {TOTAL:,} multiplications "
        f"({100 * approximate / TOTAL:.1f} %) approximate; exact: line (1,632), up (576), own (144)"
    )
    assert sentence in out
    assert "own: Own is a subclass of Conv2d: subclasses=True converts it" in out
    document = json.loads((tmp_path / "results/study/summary.json").read_text())
    assert document["coverage"]["multiplications"] == TOTAL
    shares = {s["layer_set"]: s["approximate_percent"] for s in document["summaries"]}
    assert shares["none"] == 0
    assert shares["first"] == pytest.approx(100 * COUNTS["a"] / TOTAL)
    assert call(capsys, "report", "results/study")[0] == 0
    assert sentence in (tmp_path / "results/study/report.html").read_text()


def test_subclasses_are_approximate_where_the_study_asks_for_them(run):
    _, out, _ = run("mixed", "{each: false, subclasses: true}")
    assert f"{COUNTS['a'] + COUNTS['own'] + COUNTS['f']:,} of {TOTAL:,} multiplications" in out


def test_a_glob_that_only_matches_exact_layers_is_refused_with_the_reason(run):
    for layer, reason in (
        ("own", "Own is a subclass of Conv2d: subclasses=True converts it"),
        ("up", "there is no approximate ConvTranspose2d"),
    ):
        status, _, error = run("mixed", f"{{each: {layer}}}")
        assert (status, error.count("\n")) == (2, 1)
        assert f"no layer matches '{layer}'; {layer} stays exact: {reason}; known: a, f" in error


def test_layers_that_conversion_takes_out_of_the_forward_are_refused(run, tmp_path):
    status, _, error = run("listed")
    assert (status, error.count("\n")) == (2, 1)
    assert "layers: the forward never calls the approximate layers a, so" in error
    assert not (tmp_path / "results/study/study.sqlite").exists()


def test_layers_that_the_float_forward_never_calls_are_no_layers_of_a_study(run):
    status, out, _ = run("used")
    assert status == 0
    assert "360 of 684 multiplications (52.6 %) approximate; exact: the network itself (324)" in out
    assert "; a: the forward never calls it" in out
    status, _, error = run("used", "{each: a}")
    assert status == 2
    assert "no layer matches 'a'; a stays exact: the forward never calls it; known: f" in error


def test_the_command_counts_transposed_and_one_dimensional_convolutions(run, capsys):
    status, out, _ = call(capsys, "ops", "nets.py:mixed", "--input", "8x8", "--json")
    assert status == 0
    rows = {row["layer"]: row for row in json.loads(out)}
    assert {name: row["multiplications"] for name, row in rows.items()} == COUNTS
    for name, count in COUNTS.items():
        assert rows[name]["share"] == pytest.approx(100 * count / TOTAL)
