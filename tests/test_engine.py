"""The convolution engine: any convolution equals ops.conv2d, planted faults, the driver's tiles."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from mbm_hw import MBM, Exact, Mitchell, Table, product_table
from mbm_hw.hdl.engine import Convolution, Engine, EngineParameters, engine_to_verilog
from mbm_hw.hdl.engine.driver import outputs, tiles, words
from sim.engine import Flow, Run, simulate_engine
from sim.engine_faults import ENGINE_FAULTS
from sim.layer_report import LayerOutcome, Outcome, write_layers
from sim.layers import _arguments, choose, compare, main

ROOT = Path(__file__).parent.parent
SIM = os.environ.get("SIM") or "icarus"
MBM8S = MBM(8, signed=True)
ENGINE = EngineParameters(MBM8S, rows=4, columns=4, patch=256, positions=64)


def random_convolution(x_shape, outputs, kernel, spec=MBM8S, groups=1, seed=0, **geometry):
    generator = np.random.default_rng(seed)
    low, high = spec.operand_min, spec.operand_max
    w_shape = outputs, x_shape[1] // groups, *kernel
    x, w = (generator.integers(low, high, s, endpoint=True) for s in (x_shape, w_shape))
    return Convolution(x, w, groups=groups, **geometry)


CONVOLUTIONS = {
    "1x1": random_convolution((1, 7, 9, 11), 6, (1, 1)),
    "3x3": random_convolution((2, 5, 9, 11), 6, (3, 3), padding=(1, 1)),
    "stride": random_convolution((1, 6, 13, 9), 5, (3, 3), stride=(2, 2), padding=(1, 1)),
    "depthwise": random_convolution((1, 10, 8, 9), 10, (3, 3), padding=(1, 1), groups=10),
    "everything": random_convolution(
        (1, 8, 12, 12),
        *(12, (3, 2)),
        **{"stride": (1, 3), "padding": (4, 2), "dilation": (2, 3), "groups": 4},
    ),
    "one_output": random_convolution((3, 9, 1, 1), 10, (1, 1)),
    "mostly_padding": random_convolution((1, 3, 3, 3), 5, (2, 2), padding=(9, 9)),
}


def simulated(layers, engine, folder, stalls=(0.0, 0.3), kind=Engine, simulator=SIM):
    """Return, for each layer and each stall probability, the run of all its tiles."""
    source = folder / f"{engine.name}.v"
    source.write_text(engine_to_verilog(engine, kind))
    flows = [
        Flow(words(layer, engine, tiles(layer, engine)), probability, seed=1)
        for layer in layers
        for probability in stalls
    ]
    return flows, simulate_engine(engine.name, source, flows, simulator, folder / "build")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    flows, came = simulated(CONVOLUTIONS.values(), ENGINE, folder)
    pairs = list(zip(flows, came, strict=True))
    return {name: pairs[2 * i : 2 * i + 2] for i, name in enumerate(CONVOLUTIONS)}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_every_output_equals_conv2d_with_and_without_stalls(name, runs):
    layer = CONVOLUTIONS[name]
    every = tiles(layer, ENGINE)
    for _, run in runs[name]:
        outcome = compare(layer, ENGINE, every, run)
        assert outcome.differences == 0, "\n".join(outcome.messages)
        assert outcome.outputs == len(layer.x) * len(layer.w) * np.prod(layer.out_size)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_the_array_takes_the_planned_clocks(name, runs):
    (flow, run), (_, stalled) = runs[name]
    jobs = len(flow.words.jobs)
    assert flow.words.least_clocks <= flow.words.clocks
    assert flow.words.clocks <= run.clocks <= flow.words.clocks + ENGINE.patch + 3 * jobs + 10
    assert stalled.clocks > run.clocks


@pytest.mark.parametrize("size", [(3, 3), (3, 4)], ids=["one_output", "two_outputs"])
def test_a_pass_takes_two_clocks_or_more(size, tmp_path):
    """The sum of a pass of one output is still being added to when the next one could come."""
    engine = EngineParameters(Exact(4, signed=True), 2, 1, patch=16, positions=4)
    layer = random_convolution((1, 2, *size), 40, (3, 3), engine.spec)
    ((flow, run),) = zip(*simulated([layer], engine, tmp_path, stalls=(0.0,)), strict=True)
    assert flow.words.clocks == 40 * 9 * 2
    assert flow.words.clocks <= run.clocks <= flow.words.clocks + 16 + 10


@pytest.mark.parametrize(
    ("layer", "bound"),
    [
        (random_convolution((1, 8, 4, 4), 8, (3, 3)), 1),
        (random_convolution((1, 2, 4, 4), 8, (3, 3)), 2 / 4),
        (random_convolution((1, 6, 4, 4), 4, (3, 3)), 6 / 8),  # two blocks of input channels
        (random_convolution((1, 8, 4, 4), 8, (3, 3), groups=8), 1 / 4),
    ],
    ids=["full", "few_inputs", "no_multiple", "depthwise"],
)
def test_the_layers_shape_bounds_the_utilisation(layer, bound):
    planned = words(layer, ENGINE, tiles(layer, ENGINE))
    assert planned.products / (planned.least_clocks * ENGINE.rows * ENGINE.columns) == bound


@pytest.mark.parametrize(
    "spec",
    [Exact(4, signed=True), Mitchell(6), Table(product_table(MBM(5))), MBM(12, signed=True)],
    ids=lambda spec: spec.identifier,
)
def test_any_spec_and_any_array(spec, tmp_path):
    width = 2 * spec.width + 12
    engine = EngineParameters(spec, 3, 2, patch=128, positions=32, accumulator_width=width)
    layer = random_convolution((1, 4, 6, 7), 3, (2, 3), spec, padding=(1, 0))
    _, (run,) = simulated([layer], engine, tmp_path, stalls=(0.2,))
    outcome = compare(layer, engine, tiles(layer, engine), run)
    assert outcome.differences == 0, "\n".join(outcome.messages)


def test_sums_wrap_and_their_overflow_is_flagged(tmp_path):
    spec = Exact(4, signed=True)
    engine = EngineParameters(spec, 2, 2, patch=64, positions=16, accumulator_width=9)
    layer = random_convolution((1, 8, 4, 4), 4, (2, 2), spec)
    layer.w[0], layer.x[:, :, 0, 0] = -8, -8
    exact_w, exact_x = layer.w.copy(), layer.x.copy()
    _, (run,) = simulated([layer], engine, tmp_path, stalls=(0.0,))
    flags = 0
    for tile, sums, overflow in outputs(layer, engine, tiles(layer, engine), run.results):
        for (c, r, k), actual in np.ndenumerate(sums):
            row, column, channel = tile.rows[r], tile.columns[k], tile.channels[c]
            patch = exact_x[0, :, row : row + 2, column : column + 2]
            total, flag = 0, False
            for block in range(0, 8, 2):  # the engine's order: channels of a job, then the kernel
                for position in np.ndindex(2, 2):
                    terms = patch[block : block + 2, *position]
                    total += int(terms @ exact_w[channel, block : block + 2, *position])
                    wrapped = (total + 256) % 512 - 256
                    flag, total = flag or wrapped != total, wrapped
            assert (actual, overflow[c, r, k]) == (total, flag)
            flags += flag
    assert 0 < flags < layer.w.shape[0] * np.prod(layer.out_size)


@pytest.mark.parametrize("name", ENGINE_FAULTS)
def test_a_planted_fault_is_caught(name, tmp_path):
    layers = [CONVOLUTIONS["stride"], CONVOLUTIONS["3x3"]]
    _, came = simulated(layers, ENGINE, tmp_path, (0.3,), ENGINE_FAULTS[name])
    outcomes = [
        compare(layer, ENGINE, tiles(layer, ENGINE), run)
        for layer, run in zip(layers, came, strict=True)
    ]
    assert sum(outcome.differences for outcome in outcomes) > 0, f"{name} passed"


def test_sums_of_wide_products_fit(monkeypatch):
    monkeypatch.setattr("sys.argv", ["sim.layer", "--spec", "mbm16s", "--sim", SIM])
    assert _arguments().engine.accumulator_width == 48


def test_make_sim_layer_ends_with_a_table(tmp_path):
    command = [sys.executable, "-m", "sim.layer", "--layer", "digits: conv2", "--rows", "8"]
    command += ["--columns", "8", "--outputs", "600", "--sim", SIM, "--results", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "mbm8s_engine8x8: 8 x 8 multipliers" in result.stdout
    assert "1 layers, 0 differences from ops.conv2d in " in result.stdout.splitlines()[-1]
    assert "| digits: conv2 | 3x3 /2, 16 -> 32 |" in (tmp_path / "mbm8s_engine8x8.md").read_text()
    (suite,) = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.attrib == {"name": f"{SIM}.mbm8s_engine8x8", "tests": "2"}


def test_a_wrong_layer_is_a_failure_of_that_run(tmp_path):
    layer = CONVOLUTIONS["1x1"]
    planned, run = words(layer, ENGINE, tiles(layer, ENGINE)), Run([0], clocks=9, seconds=1.0)
    right, wrong = Outcome(4, 0, ()), Outcome(4, 3, ("output (0, 0, 1) is 5, expected 6",))
    came = LayerOutcome("1x1", layer, planned, (run, run), (right, wrong))
    write_layers([came], ENGINE, SIM, tmp_path)
    right_case, wrong_case = ElementTree.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    assert (right_case.get("name"), len(right_case)) == ("1x1, full speed", 0)
    assert wrong_case.get("name") == "1x1, with stalls"
    message = wrong_case.find("failure").get("message")
    assert message == "3 differences: output (0, 0, 1) is 5, expected 6"


def test_an_engine_that_does_not_build_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sim.layers.engine_to_verilog", lambda engine: "endmodul")
    command = ["sim.layer", "--layer", "digits: conv2", "--outputs", "1", "--sim", SIM]
    monkeypatch.setattr("sys.argv", [*command, "--results", str(tmp_path)])
    assert main() == 1
    (suite,) = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert suite.get("errors") == "1"
    assert "does not build; see " in suite.find("testcase/error").get("message")
    assert "does not build; see " in capsys.readouterr().err


def test_sim_layer_takes_a_table_of_magnitudes(tmp_path):
    magnitudes = np.arange(32)
    array = np.random.default_rng(3).integers(0, 1024, (32, 32)) * (magnitudes > 0)
    np.save(tmp_path / "yours.npy", array)
    command = [sys.executable, "-m", "sim.layer", "--spec", str(tmp_path / "yours.npy")]
    command += ["--sign-magnitude", "--layer", "digits: conv2", "--rows", "4", "--columns", "4"]
    command += ["--waves"]
    command += ["--outputs", "100", "--sim", SIM, "--results", str(tmp_path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("table6s_")
    assert any(path.stat().st_size for path in (tmp_path / SIM).glob("*.[fv][sc][td]"))
    assert "1 layers, 0 differences from ops.conv2d in " in result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--spec", "mbm8"], "sim.layer: layers need a signed spec, not mbm8"),
        (["--spec", "mbm20s"], "sim.layer: operators take specs of 4 to 16 bits, not MBM(width=20"),
        (["--spec", "mbm_bf16"], "sim.layer: Engine takes an integer spec, not FloatMBM"),
        (["--rows", "0"], "sim.layer: argument --rows: it must be an integer 1 to 256, not"),
        (["--spec", "none.npy"], "sim.layer: [Errno 2] No such file or directory: 'none.npy'"),
        (["--layer", "conv9"], "sim.layer: no layer is called 'conv9'; known: depth_small: "),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(arguments, message):
    command = [sys.executable, "-m", "sim.layer", *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_tiles_make_up_the_output(name):
    layer = CONVOLUTIONS[name]
    every = tiles(layer, ENGINE)
    times = np.zeros((len(layer.x), len(layer.w), *layer.out_size), dtype=int)
    for tile in every:
        assert len(tile.rows) * len(tile.columns) <= ENGINE.positions
        times[tile.image][np.ix_(tile.channels, tile.rows, tile.columns)] += 1
    assert np.all(times == 1)
    some = choose(every, 30)
    assert (some[0], some[-1]) == (every[0], every[0 if len(some) == 1 else -1])
    assert sum(tile.outputs for tile in some) >= 30


def test_a_layer_that_does_not_fit_is_refused():
    layer = random_convolution((1, 1, 40, 40), 1, (20, 20))
    with pytest.raises(ValueError, match="no tile of the layer fits a patch of 256 words"):
        tiles(layer, ENGINE)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"spec": "mbm_bf16"}, TypeError, "Engine takes an integer spec, not FloatMBM"),
        ({"rows": 0}, ValueError, "Engine: rows must be 1 to 256, not 0"),
        ({"positions": True}, ValueError, "Engine: positions must be 1 to 65536, not True"),
        ({"patch": 100}, ValueError, "Engine: patch must be a power of two, not 100"),
        ({"accumulator_width": 19}, ValueError, "accumulator_width must be 20 to 128, not 19"),
        ({"spec": Table(np.ones((16, 16)).astype(int))}, ValueError, "weight 0 must be 0"),
        ({"spec": "momeni8s_c8"}, ValueError, "CompressorTree.* with weight 0 must be 0"),
    ],
)
def test_what_is_no_engine_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        EngineParameters(**{"spec": MBM8S} | arguments)


def test_verilator_has_nothing_to_say(verilator, tmp_path):
    (tmp_path / "engine.v").write_text(engine_to_verilog(ENGINE))
    command = [verilator / "verilator", "--lint-only", "-Wall", "-Wno-DECLFILENAME"]
    command += ["--top-module", ENGINE.name, "engine.v"]
    environment = os.environ | {"PATH": f"{verilator}{os.pathsep}{os.environ['PATH']}"}
    lint = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stderr
