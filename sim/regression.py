"""python -m sim: simulate the designs of rtl/ against the reference, and print what came of it.

Exit status 0: every product is right; 1: one is wrong, or a simulation failed; 2: a wrong argument,
or something that is not installed.
"""

import argparse
import functools
import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from mbm_hw.hdl.designs import Design
from mbm_hw.system.files import check_folder_writable
from sim.arguments import SEED, Parser
from sim.cocotb_run import SimulationError
from sim.designs import ALL, RTL, named_design, verilog_file
from sim.dot_product import simulate_dot_product
from sim.report import Outcome, Unfinished, cells, failures, write_report
from sim.runner import simulate
from sim.simulation import Simulation
from sim.simulators import SIMULATORS, MissingTool, check_folder, environment


def main() -> int:
    arguments = _arguments()
    tasks = [(simulator, name) for simulator in arguments.sim for name in arguments.spec]
    try:
        with ProcessPoolExecutor(os.cpu_count(), initializer=_quieten) as pool:
            run = functools.partial(_simulate, arguments)
            came = tqdm(pool.map(run, tasks), total=len(tasks), unit="design", leave=False)
            outcomes = list(came)
    except BrokenProcessPool:
        print("sim: a worker was killed", file=sys.stderr)
        return 1
    write_report(outcomes, arguments.results)
    rows = [outcome for outcome in outcomes if isinstance(outcome, Simulation)]
    wrong = list(failures(outcomes))
    print(tabulate([cells(row) for row in rows], headers="keys", floatfmt=".1f"))
    for failure in wrong:
        print(failure, file=sys.stderr)
    waves = f", waves in {arguments.results}/SIMULATOR/DESIGN/" if arguments.waves else ""
    print(
        f"{len(rows)} of {len(tasks)} simulations, "
        f"{sum(row.vectors for row in rows)} products and sums, "
        f"{sum(row.mismatches for row in rows)} mismatches, "
        f"{sum(len(row.missed) for row in rows)} of {sum(row.bins for row in rows)} bins missed, "
        f"seed {arguments.seed}; {arguments.results / 'index.html'}, junit.xml, results.csv{waves}"
    )
    return 1 if wrong else 0


def _quieten():
    logging.getLogger("cocotb").setLevel(logging.WARNING)


def _simulate(arguments: argparse.Namespace, task: tuple[str, str]) -> Outcome:
    simulator, name = task
    design = named_design(name)
    run = simulate if isinstance(design, Design) else simulate_dot_product
    try:
        return run(
            design,
            verilog_file(design, arguments.results / "verilog"),
            simulator,
            arguments.results / simulator / design.name,
            waves=arguments.waves,
            seed=arguments.seed,
            is_covered=arguments.coverage and simulator == "verilator",
        )
    except SimulationError as error:
        return Unfinished(design.name, simulator, str(error))


def _arguments() -> argparse.Namespace:
    parser = Parser(prog="python -m sim", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sim",
        choices=[*SIMULATORS, "all"],
        help="the simulator (icarus; of --coverage verilator)",
    )
    parser.add_argument("--spec", metavar="NAME", help="one design, of rtl/ or not (all of rtl/)")
    parser.add_argument("--waves", action="store_true", help="write the waves too")
    parser.add_argument(
        "--coverage", action="store_true", help="count branches and toggles, in Verilator"
    )
    parser.add_argument("--seed", type=SEED, default=0, help="of sampled operands and stalls (0)")
    parser.add_argument(
        "--results", type=Path, default=Path("results/sim"), help="logs, waves (results/sim)"
    )
    arguments = parser.parse_args()
    arguments.sim = arguments.sim or ("verilator" if arguments.coverage else "icarus")
    arguments.sim = SIMULATORS if arguments.sim == "all" else (arguments.sim,)
    if arguments.coverage and "verilator" not in arguments.sim:
        parser.error("--coverage is Verilator's: give --sim verilator or --sim all")
    try:
        arguments.spec = list(ALL) if arguments.spec is None else [arguments.spec]
        designs = [named_design(name).name for name in arguments.spec]
    except ValueError as error:
        parser.error(str(error))
    missing = [name for name in designs if name in ALL and not (RTL / f"{name}.v").exists()]
    if missing:
        parser.error(f"rtl/{missing[0]}.v is missing: run `make verilog`")
    try:
        check_folder_writable(arguments.results)
        for simulator in arguments.sim:
            check_folder(simulator, arguments.results)
            with environment(simulator):
                pass
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}")
    except MissingTool as error:
        parser.error(str(error))
    return arguments
