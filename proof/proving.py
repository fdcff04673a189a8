"""python -m proof: prove that the designs of rtl/ equal the specification, for all operands.

Exit status 0: everything is proved (with --faults: everything is refuted, and simulation of the
counterexample finds the same wrong); 1: something is not; 2: a wrong argument.
"""

import dataclasses
import json
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from tabulate import tabulate
from tqdm import tqdm

from mbm_hw.cli.options import OutputFolder, Whole
from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Spec
from mbm_hw.system.files import replacing
from proof.anchor import anchor_pairs, disagreement
from proof.command import NamedDesign, Seconds
from proof.prover import Proof, prove
from proof.specification import Undefined
from proof.tasks import Task, catalog_tasks, fault_tasks, sweep_tasks
from sim.cocotb_run import SimulationError
from sim.dot_product import simulate_dot_product
from sim.runner import simulate
from sim.simulators import MissingTool

SIMULATOR = "icarus"


@dataclass(frozen=True)
class Outcome:
    """The outcome of a task.

    difference : from the reference: a pair for which the specification has another product.
    replayed : what is wrong in the simulation of the counterexample, or why there is none.
    """

    name: str
    proof: Proof
    difference: str | None = None
    replayed: tuple[str, ...] = ()

    @property
    def is_proved(self) -> bool:
        return self.proof.result == "proved" and self.difference is None

    @property
    def is_reproduced(self) -> bool:
        """True if the simulation gives the same wrong result as the solver."""
        return str(self.proof.counterexample) in self.replayed


@click.command()
@click.option("--spec", type=NamedDesign(), help="One design, of rtl/ or not (all of rtl/).")
@click.option(
    "--sweep", is_flag=True, help="Instead: widths 4 to 16, truncations, signs, stages, tables."
)
@click.option("--faults", is_flag=True, help="Instead: the planted faults of sim.")
@click.option(
    "--limit",
    type=Seconds(min=0, min_open=True),
    default=600,
    show_default=True,
    help="Seconds for a claim.",
)
@click.option("--processes", type=Whole(1, 1024), default=2, show_default=True)
@click.option("--results", type=OutputFolder(), default=Path("results/prove"))
def main(spec, sweep, faults, limit, processes, results):
    """Prove that the designs of rtl/ equal the specification, for all operands."""
    if (spec is not None) + sweep + faults > 1:
        raise click.UsageError("give one of --spec, --sweep and --faults")
    if spec is not None:
        tasks = [Task(spec.name, spec)]
    else:
        tasks = sweep_tasks() if sweep else fault_tasks() if faults else catalog_tasks()
    outcomes = _outcomes(tasks, limit, processes, results, anchored=not faults)
    table = tabulate([_cells(outcome) for outcome in outcomes], "keys", "github", floatfmt=".1f")
    name = "sweep" if sweep else "faults" if faults else spec.name if spec else "catalog"
    with replacing(results / f"{name}.md") as file:
        file.write(f"{table}\n")
    with replacing(results / f"{name}.json") as file:
        json.dump([dataclasses.asdict(outcome) for outcome in outcomes], file, indent=1)
    print(table)
    for outcome in outcomes:
        for message in _messages(outcome):
            print(message, file=sys.stderr)
    wanted = [o for o in outcomes if (o.is_reproduced if faults else o.is_proved)]
    specs = {task.design.spec for task in tasks}
    if not faults and all(outcome.difference is None for outcome in outcomes):
        print(f"the specification equals the reference for {len(specs)} multipliers")
    print(
        f"{len(wanted)} of {len(tasks)} {'refuted and replayed' if faults else 'proved'}, "
        f"{sum(sum(o.proof.seconds.values()) for o in outcomes):.0f} s; "
        f"{results}/{name}.md and .json, the questions to the solver in {results}/*/*.smt2"
    )
    return len(wanted) < len(tasks)


def _outcomes(tasks: Sequence[Task], limit, processes, results, anchored) -> list[Outcome]:
    """Return what came of the tasks, in their order; the widest are begun first."""
    order = sorted(tasks, key=lambda task: task.design.spec.width, reverse=True)
    specs = dict.fromkeys(task.design.spec for task in order if anchored)
    with ProcessPoolExecutor(processes) as pool, tqdm(total=len(tasks) + len(specs)) as bar:

        def submit(function, *arguments):
            future = pool.submit(function, *arguments)
            future.add_done_callback(lambda _: bar.update())
            return future

        outcomes = {task: submit(_outcome, task, limit, results) for task in order}
        differences = {spec: submit(_difference, spec) for spec in specs}
        found = {spec: future.result() for spec, future in differences.items()}
        return [
            dataclasses.replace(outcomes[task].result(), difference=found.get(task.design.spec))
            for task in tasks
        ]


def _difference(spec: Spec) -> str | None:
    try:
        return disagreement(spec, *anchor_pairs(spec))
    except Undefined:  # which its proof says
        return None


def _outcome(task: Task, limit: float, results: Path) -> Outcome:
    logging.getLogger("cocotb").setLevel(logging.WARNING)
    folder = results / task.name
    source = task.source(folder)
    proof = prove(task.design, source, limit, folder)
    if proof.counterexample is None:
        return Outcome(task.name, proof)
    try:
        trace = proof.counterexample.trace
        simulator = simulate if isinstance(task.design, Design) else simulate_dot_product
        simulation = simulator(task.design, source, SIMULATOR, folder / "replay", trace=trace)
    except (SimulationError, MissingTool) as error:
        return Outcome(task.name, proof, replayed=(str(error),))
    return Outcome(task.name, proof, replayed=simulation.messages)


def _cells(outcome: Outcome) -> dict:
    proof, pipeline = outcome.proof, outcome.proof.pipeline
    return {
        "design": outcome.name,
        "result": proof.result,
        "seconds": sum(proof.seconds.values()),
        "claims": " ".join(dict.fromkeys(claim.rstrip("0123456789") for claim in proof.seconds)),
        "method": f"{pipeline} clocks from any state" if pipeline else "combinational",
    }


def _messages(outcome: Outcome) -> list[str]:
    proof, counterexample = outcome.proof, outcome.proof.counterexample
    wrong = {claim: result for claim, result in proof.results.items() if result != "proved"}
    messages = [f"{outcome.name}: {claim} is {result}" for claim, result in wrong.items()]
    if proof.note is not None:
        messages.append(f"  {proof.note}")
    if outcome.difference is not None:
        messages.append(f"{outcome.name}: the specification is wrong: {outcome.difference}")
    if counterexample is not None:
        messages.append(f"  counterexample: {counterexample}")
        if len(counterexample.trace) > 1:
            messages += [
                "    " + " ".join(f"{port}={value:#x}" for port, value in inputs.items())
                for inputs in counterexample.trace
            ]
        messages += [f"  in {SIMULATOR}: {message}" for message in outcome.replayed]
    return messages
