"""python -m sim.layer: run layers of trained networks through the convolution engine's Verilog.

Each layer goes through twice, once at full speed and once with every stream held back at random;
every output of both is compared with `ops.conv2d`. Beside the array's utilisation stands the most
that the layer's shape allows on it; `mbm_hw.hdl.engine.engine` argues why. Exit status 0: all are
equal; 1: one differs, or the simulation failed; 2: a wrong argument, or something that is not
installed.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

import numpy as np
import torch

from mbm_hw import ops
from mbm_hw.hdl.dot_product import ACCUMULATOR_WIDTH
from mbm_hw.hdl.engine.driver import Convolution, Tile, outputs, tiles, words
from mbm_hw.hdl.engine.engine_verilog import engine_to_verilog
from mbm_hw.hdl.engine.parameters import EngineParameters
from mbm_hw.multipliers.table_files import named_spec
from mbm_hw.ops.codes import check_spec
from mbm_hw.system.files import check_folder_writable, replacing
from sim.arguments import SEED, Parser, whole
from sim.cocotb_run import SimulationError
from sim.engine import Flow, Run, simulate_engine
from sim.layer_report import LayerOutcome, Outcome, table, write_error, write_layers
from sim.network_layers import NETWORK_LAYERS, convolution
from sim.simulators import SIMULATORS, MissingTool, check_folder, environment

STALLS = 0.2  # the probability that a stream is held back, in the second run of each layer


def main() -> int:
    arguments = _arguments()
    logging.getLogger("cocotb").setLevel(logging.WARNING)
    start = time.perf_counter()
    engine = arguments.engine
    names = [layer.name for layer in arguments.layers]
    layers = [convolution(layer, engine.spec, arguments.outputs) for layer in arguments.layers]
    chosen = [choose(tiles(layer, engine), arguments.outputs) for layer in layers]
    flows = [
        Flow(words(layer, engine, some), stalls, arguments.seed)
        for layer, some in zip(layers, chosen, strict=True)
        for stalls in (0.0, STALLS)
    ]
    folder = arguments.results
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{engine.name}.v"
    with replacing(source) as file:
        file.write(engine_to_verilog(engine))
    print(
        f"{engine.name}: {engine.rows} x {engine.columns} multipliers, {arguments.sim}", flush=True
    )
    try:
        runs = simulate_engine(
            engine.name, source, flows, arguments.sim, folder / arguments.sim, arguments.waves
        )
    except SimulationError as error:
        write_error(str(error), engine, arguments.sim, folder)
        print(error, file=sys.stderr)
        return 1
    came = []
    for i, (name, layer) in enumerate(zip(names, layers, strict=True)):
        pair = tuple(runs[2 * i : 2 * i + 2])
        outcomes = tuple(compare(layer, engine, chosen[i], run) for run in pair)
        came.append(LayerOutcome(name, layer, flows[2 * i].words, pair, outcomes))
    write_layers(came, engine, arguments.sim, folder)
    print(table(came, engine))
    for layer in came:
        for outcome in layer.outcomes:
            for message in outcome.messages:
                print(f"{layer.name}: {message}", file=sys.stderr)
    different = sum(layer.differences for layer in came)
    waves = f", waves in {folder / arguments.sim}/" if arguments.waves else ""
    print(
        f"{len(layers)} layers, {different} differences from ops.conv2d in "
        f"{sum(o.outputs for layer in came for o in layer.outcomes):,} outputs "
        f"(half of them with stalls), seed {arguments.seed}, "
        f"{time.perf_counter() - start:.0f} s; {folder / engine.name}.md, junit.xml{waves}"
    )
    return 1 if different else 0


def choose(every: list[Tile], least: int) -> list[Tile]:
    """Return evenly spaced tiles, the first and the last among them, of `least` outputs or more."""
    share = min(1.0, least / sum(tile.outputs for tile in every))
    for count in range(max(1, int(share * len(every))), len(every) + 1):
        some = [
            every[i] for i in np.unique(np.linspace(0, len(every) - 1, count).round().astype(int))
        ]
        if sum(tile.outputs for tile in some) >= least:
            return some
    return every


def compare(layer: Convolution, engine: EngineParameters, chosen: list[Tile], run: Run) -> Outcome:
    """Compare a run's results with `ops.conv2d` of the same codes."""
    dtype = ops.code_dtype(engine.spec)
    x, w = (torch.tensor(codes, dtype=dtype) for codes in (layer.x, layer.w))
    geometry = layer.stride, layer.padding, layer.dilation, layer.groups
    reference = ops.conv2d(x, w, engine.spec, *geometry).numpy()
    wanted = sum(tile.outputs for tile in chosen)
    needed = sum(len(tile.rows) * len(tile.columns) for tile in chosen)
    if len(run.results) != needed:
        message = f"{len(run.results)} results came, expected {needed}"
        return Outcome(wanted, wanted, (message,))
    differences, messages = 0, []
    for tile, sums, overflow in outputs(layer, engine, chosen, run.results):
        expected = reference[tile.image][np.ix_(tile.channels, tile.rows, tile.columns)]
        for channel, row, column in np.argwhere((sums != expected) | overflow):
            differences += 1
            if not messages:
                place = tile.channels[channel], tile.rows[row], tile.columns[column]
                actual, right = (array[channel, row, column] for array in (sums, expected))
                messages.append(f"image {tile.image}, output {place} is {actual}, expected {right}")
    return Outcome(wanted, differences, tuple(messages))


def _arguments() -> argparse.Namespace:
    known = {layer.name: layer for layer in NETWORK_LAYERS}
    parser = Parser(prog="python -m sim.layer", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--spec", default="mbm8s", help="the multiplier, or a table: .npy, .csv; signed (mbm8s)"
    )
    parser.add_argument(
        "--sign-magnitude", action="store_true", help="the table has the products of magnitudes"
    )
    parser.add_argument("--rows", type=whole(1, 256), default=16, help="of the array (16)")
    parser.add_argument("--columns", type=whole(1, 256), default=16, help="of the array (16)")
    parser.add_argument(
        "--outputs", type=whole(1, 2**31 - 1), default=10_000, help="a layer, at least (10000)"
    )
    parser.add_argument("--layer", metavar="NAME", help="one layer, as the table names it (all)")
    parser.add_argument("--sim", choices=SIMULATORS, default="verilator", help="(verilator)")
    parser.add_argument(
        "--waves", action="store_true", help="write the waves too: large, so of few --outputs"
    )
    parser.add_argument("--seed", type=SEED, default=0, help="of the stalls (0)")
    parser.add_argument("--results", type=Path, default=Path("results/sim-layer"), help="folder")
    arguments = parser.parse_args()
    if arguments.layer is not None and arguments.layer not in known:
        parser.error(f"no layer is called {arguments.layer!r}; known: {', '.join(known)}")
    arguments.layers = NETWORK_LAYERS if arguments.layer is None else (known[arguments.layer],)
    try:
        magnitudes = arguments.sign_magnitude
        spec = named_spec(arguments.spec, signed=not magnitudes, sign_magnitude=magnitudes)
        # A sum of 2**16 products of any kind fits.
        width = max(ACCUMULATOR_WIDTH, spec.product_width + 16)
        arguments.engine = EngineParameters(
            spec, arguments.rows, arguments.columns, accumulator_width=width
        )
        if not spec.signed:
            raise ValueError(f"layers need a signed spec, not {arguments.spec}")
        check_spec(spec)
        check_folder_writable(arguments.results)
        check_folder(arguments.sim, arguments.results)
        with environment(arguments.sim):
            pass
    except (MissingTool, OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    return arguments
