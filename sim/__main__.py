"""python -m sim: simulate the designs of rtl/ against the reference, and print what came of it.

Exit status 0: every product is right; 1: one is wrong, or a simulation failed; 2: a wrong argument,
or something that is not installed.
"""

import argparse
import csv
import dataclasses
import logging
import sys
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from mbm_hw.catalog import CATALOG
from mbm_hw.files import replacing
from mbm_hw.hdl import DESIGNS
from mbm_hw.hdl.designs import Design
from sim.runner import Simulation, SimulationError, simulate
from sim.simulators import ROOT, SIMULATORS, MissingTool, environment

RTL = ROOT / "rtl"
COLUMNS = ("design", "simulator", "vectors", "mismatches", "seconds")


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"sim: {message}\n")


def main() -> int:
    arguments = _arguments()
    logging.getLogger("cocotb").setLevel(logging.WARNING)
    rows, failures = [], []
    tasks = [(simulator, name) for simulator in arguments.sim for name in arguments.spec]
    progress = tqdm(tasks, unit="design", leave=False)
    for simulator, name in progress:
        progress.set_description(f"{simulator} {name}")
        folder = arguments.results / simulator / name
        try:
            row = simulate(
                DESIGNS[name], RTL / f"{name}.v", simulator, folder, arguments.waves, arguments.seed
            )
        except SimulationError as error:
            failures.append(str(error))
            continue
        rows.append(row)
        failures += row.messages
    _write_csv(rows, arguments.results / "results.csv")
    cells = [[getattr(row, column) for column in COLUMNS] for row in rows]
    print(tabulate(cells, headers=COLUMNS, floatfmt=".1f"))
    for failure in failures:
        print(failure, file=sys.stderr)
    seconds = sum(row.seconds for row in rows)
    waves = f", waves in {arguments.results}/SIMULATOR/DESIGN/" if arguments.waves else ""
    print(
        f"{len(rows)} of {len(tasks)} simulations, {sum(row.vectors for row in rows)} products, "
        f"{sum(row.mismatches for row in rows)} mismatches, {seconds:.0f} s; "
        f"{arguments.results / 'results.csv'}{waves}"
    )
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="python -m sim", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sim", choices=[*SIMULATORS, "all"], default="icarus", help="the simulator (icarus)"
    )
    parser.add_argument("--spec", metavar="NAME", help="one design of rtl/ (all of them)")
    parser.add_argument("--waves", action="store_true", help="write the waves too")
    parser.add_argument("--seed", type=int, default=0, help="of sampled operands and stalls (0)")
    parser.add_argument(
        "--results", type=Path, default=Path("results/sim"), help="logs, waves (results/sim)"
    )
    arguments = parser.parse_args()
    arguments.sim = SIMULATORS if arguments.sim == "all" else (arguments.sim,)
    if arguments.spec in CATALOG:  # float specs have shorter names there
        arguments.spec = Design(CATALOG[arguments.spec]).name
    if arguments.spec is not None and arguments.spec not in DESIGNS:
        parser.error(f"no design is called {arguments.spec!r}; known: {', '.join(DESIGNS)}")
    arguments.spec = list(DESIGNS) if arguments.spec is None else [arguments.spec]
    if arguments.seed < 0:
        parser.error(f"--seed must be at least 0, not {arguments.seed}")
    missing = [name for name in arguments.spec if not (RTL / f"{name}.v").exists()]
    if missing:
        parser.error(f"rtl/{missing[0]}.v is missing: run `make verilog`")
    try:
        for simulator in arguments.sim:
            with environment(simulator):
                pass
    except MissingTool as error:
        parser.error(str(error))
    return arguments


def _write_csv(rows: list[Simulation], path: Path):
    with replacing(path) as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(row) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
