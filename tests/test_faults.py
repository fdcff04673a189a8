"""Planted faults: co-simulation catches each of them, and finds nothing in the right design."""

import functools
import os

import pytest

from mbm_hw.hdl.verilog import design_to_verilog
from sim.faults import FAULTS
from sim.runner import simulate

SIM = os.environ.get("SIM") or "icarus"


def limit(design):
    """Clocked designs take some of the operands that tests/test_rtl.py gives them: it is slow."""
    return 5_000 if design.is_clocked else None


@functools.cache
def right_simulation(design, folder):
    folder.mkdir(exist_ok=True)
    source = folder / f"{design.name}.v"
    source.write_text(design_to_verilog(design))
    return simulate(design, source, SIM, folder / design.name, limit=limit(design))


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(name, tmp_path_factory):
    design = FAULTS[name].design
    right = right_simulation(design, tmp_path_factory.getbasetemp() / "right")
    assert right.mismatches == 0, "\n".join(right.messages)

    folder = tmp_path_factory.mktemp(name)
    source = folder / f"{design.name}.v"
    source.write_text(FAULTS[name].verilog())
    faulty = simulate(design, source, SIM, folder / "build", limit=limit(design))
    assert design.stream or faulty.vectors == right.vectors
    assert faulty.mismatches > 0, f"{name} in {design.name} passed {faulty.vectors} vectors"
    assert all(message.startswith(f"{design.name}: ") for message in faulty.messages)
