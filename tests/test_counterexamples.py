"""Planted faults are refuted, and simulation finds wrong what the solver did.

`make prove FAULTS=1` takes them all; a test takes of each kind those that need little time.
"""

import os

import pytest

from proof.prover import prove
from proof.tasks import fault_tasks
from sim.dot_product import simulate_dot_product
from sim.dot_product_faults import DOT_PRODUCT_FAULTS
from sim.faults import FAULTS
from sim.runner import simulate

SIM = os.environ.get("SIM") or "icarus"
LIMIT = 120  # far more than any of these needs, in seconds
TASKS = {task.name: task for task in fault_tasks()}


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("mbm16_overflow_corner_dropped", "product"),
        ("stall_ignored_by_one_register", "hold"),
        ("latency_too_long", "product"),
        ("table_entry_wrong", "product"),
        ("table_transposed", "product"),
        ("beat_lost_in_the_buffer", "trace"),  # its buffer, which claims are about, is gone
        ("beat_kept_by_a_reset", "reset"),
        ("product_valid_after_a_reset", "cleared"),
        ("buffer_read_without_its_lowest_bit", "buffered"),
        ("ready_follows_the_products_ready", "ready"),
        ("a_bubble_each_other_clock", "product"),
        ("first_ignored", "lane0"),
        ("lane_dropped", "lane3"),
        ("overflow_at_the_carry", "sum"),
        ("stall_ignored_by_the_accumulator", "hold"),
        ("reset_ignored_by_the_tree", "reset"),
        ("reset_leaves_an_addend", "cleared"),
        ("unit_reset_before_the_clock", "registered"),
    ],
)
def test_a_planted_fault_has_a_counterexample_that_simulation_reproduces(name, claim, tmp_path):
    task = TASKS[name]
    source = task.source(tmp_path)
    proof = prove(task.design, source, LIMIT, tmp_path)
    assert (proof.result, proof.results[claim]) == ("refuted", "refuted")
    run = simulate_dot_product if name in DOT_PRODUCT_FAULTS else simulate
    trace = proof.counterexample.trace
    simulation = run(task.design, source, SIM, tmp_path / "replay", trace=trace)
    assert str(proof.counterexample) in simulation.messages


def test_every_planted_fault_is_to_be_refuted():
    assert set(TASKS) == {*FAULTS, *DOT_PRODUCT_FAULTS}
