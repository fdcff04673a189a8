"""Checks of families by the solver and in co-simulation, beside those of `mbm_hw.conformance`.

`make check`, which is `mbm-hw check --also proof.conformance`, runs them too. They are here because
mbm_hw imports neither the proofs nor the simulation.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from mbm_hw.conformance import Absent, Failure, of_family
from mbm_hw.conformance.hardware import core_kind_or_absent
from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Spec
from mbm_hw.multipliers.registry import Family, family_of_spec
from proof.anchor import anchor_pairs, disagreement
from proof.prover import prove
from proof.specification import Undefined, specification
from sim.cocotb_run import SimulationError
from sim.designs import verilog_file
from sim.faults import FAULTS
from sim.runner import simulate
from sim.simulators import MissingTool

LIMIT = 60
"""Seconds for a claim."""
SIMULATOR = "icarus"


def narrowest(specs: Sequence[Spec]) -> list[Spec]:
    """Return a spec of each sign, of the fewest bits: the one with the middle parameters."""
    found = []
    for signed in (False, True):
        of_sign = [spec for spec in specs if spec.signed == signed]
        width = min((spec.width for spec in of_sign), default=0)
        narrow = [spec for spec in of_sign if spec.width == width]
        found += narrow[len(narrow) // 2 : len(narrow) // 2 + 1]
    if not found:
        raise Absent("no spec of the family can be made by name")
    return found


@of_family
def check_definition(entry: Family, specs: Sequence[Spec]):
    """The definition for the solver has the reference's products: all, or corners and a sample."""
    for spec in narrowest(specs):
        _check_defined(spec)
        if difference := disagreement(spec, *anchor_pairs(spec)):
            raise Failure(f"{spec.identifier}: the definition for the solver: {difference}")


@of_family
def check_proof(entry: Family, specs: Sequence[Spec]):
    """The component's Verilog equals the definition, for all operands of the narrowest specs."""
    for spec in narrowest(specs):
        _check_defined(spec)
        core_kind_or_absent(spec)
        with tempfile.TemporaryDirectory() as folder:
            design = Design(spec)
            proof = prove(design, verilog_file(design, Path(folder)), LIMIT, Path(folder))
        if proof.result != "proved":
            wrong = next(claim for claim, result in proof.results.items() if result != "proved")
            found = proof.counterexample or proof.note or ""
            raise Failure(f"{spec.identifier}: {wrong} is {proof.results[wrong]}; {found}")


@of_family
def check_faults(entry: Family, specs: Sequence[Spec]):
    """Each planted fault gives a wrong product in co-simulation."""
    faults = {
        name: fault
        for name, fault in FAULTS.items()
        if family_of_spec(fault.design.spec) is entry
        and not (fault.design.pipeline or fault.design.stream)
    }
    if not faults:
        raise Absent("no planted faults (sim/faults)")
    for name, fault in faults.items():
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / f"{fault.design.name}.v"
            source.write_text(fault.verilog())
            try:
                found = simulate(fault.design, source, SIMULATOR, Path(folder) / "build")
            except (SimulationError, MissingTool) as error:
                raise Failure(f"{name}: {error}") from error
        if not found.mismatches:
            raise Failure(f"{name}: co-simulation finds no wrong product")


def _check_defined(spec: Spec):
    try:
        specification(spec)
    except Undefined as error:
        raise Absent(str(error)) from error
