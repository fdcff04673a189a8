"""Cells of a library, and circuits of a few of them, whose figures are counted by hand."""

import json

import numpy as np
import pytest

from mbm_hw.cost import Costing, Stream
from mbm_hw.cost.activity import STEPS, settled_toggles, toggles_with_glitches
from mbm_hw.cost.cell_function import boolean_function
from mbm_hw.cost.cells import Table
from mbm_hw.cost.energy import edge_energies, switching_energy
from mbm_hw.cost.liberty import read_liberty
from mbm_hw.cost.netlist import Netlist
from mbm_hw.cost.synthesis import Mapped
from mbm_hw.cost.timing import Timing, analyse

# Two gates and a flip-flop with one number for everything: in fF, ps, fJ at 2 V.
TINY = """
library (tiny) { /* by hand */
  time_unit : "1ps"; voltage_unit : "1V"; leakage_power_unit : "1pW"; nom_voltage : 2;
  capacitive_load_unit (1, ff);
  cell (NAND) { area : 4; cell_leakage_power : 1000;
    pin (A) { direction : input; capacitance : 3; }
    pin (B) { direction : input; capacitance : 3; }
    pin (Y) { direction : output; function : "!(A B)"; %s %s
      internal_power () {
        rise_power (scalar) { values ("5"); } fall_power (scalar) { values ("7"); } }
    } }
  cell (INV) { area : 2;
    pin (A) { direction : input; capacitance : 2; }
    pin (Y) { direction : output; function : "A'"; %s } }
}
"""


def arc(pin, picoseconds):
    kinds = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
    tables = " ".join(f'{kind} (scalar) {{ values ("{picoseconds}"); }}' for kind in kinds)
    return f'timing () {{ related_pin : "{pin}"; timing_sense : negative_unate; {tables} }}'


LIBERTY = TINY % (arc("A", 40), arc("B", 40), arc("A", 20))


@pytest.fixture
def tiny_file(tmp_path):
    path = tmp_path / "tiny.lib"
    path.write_text(LIBERTY)
    return path


@pytest.fixture
def tiny(tiny_file):
    return read_liberty(tiny_file)


def netlist_json(cells, inputs, outputs):
    """Return Yosys' JSON of a module of cells (type, {pin: net}); nets are numbers."""
    ports = {name: {"direction": "input", "bits": nets} for name, nets in inputs.items()}
    ports |= {name: {"direction": "output", "bits": nets} for name, nets in outputs.items()}
    instances = {
        f"g{i}": {"type": kind, "connections": {pin: [net] for pin, net in nets.items()}}
        for i, (kind, nets) in enumerate(cells)
    }
    top = {"attributes": {"top": "1"}, "ports": ports, "cells": instances}
    return json.dumps({"modules": {"top": top}})


def and_gate(a="a", b="b"):
    """Return product = a & b as JSON: net 4 is the NAND's, net 5 the inverter's."""
    cells = [("INV", {"A": 4, "Y": 5}), ("NAND", {"A": 2, "B": 3, "Y": 4})]
    return netlist_json(cells, {a: [2], b: [3]}, {"product": [5]})


def test_functions_have_libertys_precedence():
    for a, b, c in np.ndindex(2, 2, 2):
        v = {"A": a, "B": b, "C": c}
        cases = {
            "!(A B)+C": (not (a and b)) or c,
            "A^B C": (a ^ b) and c,
            "A B' | !C": (a and not b) or not c,
            "!((A+B)*(B^C))'": (a or b) and (b ^ c),
        }
        for text, expected in cases.items():
            assert boolean_function(text)(v) & 1 == bool(expected), (text, v)
    for text in ("(A", "A B)", "A+", ""):
        with pytest.raises(ValueError, match="function"):
            boolean_function(text)


def test_tables_are_read_in_either_order_and_extended_linearly(tmp_path):
    plane = '"0, 10, 20", "100, 110, 120"'  # 100 a row, 10 a column
    variables = ("input_net_transition", "total_output_net_capacitance")
    for first, second in (variables, variables[::-1]):
        template = f"lu_table_template (t) {{ variable_1 : {first}; variable_2 : {second}; }}"
        table = f'(t) {{ index_1 ("0, 1"); index_2 ("0, 1, 2"); values ({plane}); }}'
        kinds = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
        timing = " ".join(f"{kind} {table}" for kind in kinds)
        text = TINY.replace("cell (NAND)", template + " cell (NAND)").replace('"1ps"', '"1ns"')
        text = text.replace("(1, ff)", "(1, pf)")
        text %= (f'timing () {{ related_pin : "A"; {timing} }}', arc("B", 1), arc("A", 1))
        path = tmp_path / "tables.lib"
        path.write_text(text)
        rise = read_liberty(path).cells["NAND"].pins["Y"].arcs[0].rise_delay
        by_row, by_column = (0.5, 3), (3, 0.5)  # (transition, load)
        point = by_row if first == "input_net_transition" else by_column
        assert rise(*point) == pytest.approx(50 + 30)


def test_a_table_is_linear_between_its_entries_and_beyond_its_ends():
    table = Table(np.array([1.0, 2, 4]), np.zeros(1), np.array([[10.0], [20], [60]]))
    assert [table(x, 0) for x in (0, 1, 1.5, 2, 3, 4, 5)] == [0, 10, 15, 20, 40, 60, 80]


def test_area_energy_and_delay_of_two_gates_are_those_counted_by_hand(tiny):
    circuit = Netlist(and_gate(), tiny)
    assert circuit.area == 6
    operands = {"a": np.array([0, 1, 1, 0, 1]), "b": np.array([0, 0, 1, 1, 1])}
    planes = circuit.evaluate(operands)
    assert circuit.product(planes, 5).tolist() == [0, 0, 1, 0, 1]
    toggles = settled_toggles(circuit, planes, 5)
    expected = {2: (2, 1), 3: (1, 0), 4: (1, 2), 5: (2, 1)}
    assert {net: toggles[net] for net in expected} == expected
    timing = analyse(circuit, tiny)
    assert timing.critical_path == pytest.approx(0.060)
    # fJ: C V^2 / 2 = 2 C a toggle; the output drives four NANDs; the NAND's own 5 and 7.
    energy = 3 * (2 * 3) + 1 * (2 * 3) + 3 * (2 * 2) + (1 * 5 + 2 * 7) + 3 * (2 * 12)
    energies = edge_energies(circuit, tiny, timing)
    assert switching_energy(energies, toggles) == pytest.approx(energy / 1000)
    assert tiny.cells["NAND"].leakage == 1
    assert tiny.nand2.name == "NAND"


@pytest.mark.parametrize(("nand_delay", "pulses"), [(10, 1), (20, 1), (30, 0)])
def test_a_pulse_passes_unless_it_is_shorter_than_the_gates_delay(tiny, nand_delay, pulses):
    """!(a & !a) is 1, but for as long as the inverter takes after a rises."""
    cells = [("INV", {"A": 2, "Y": 3}), ("NAND", {"A": 2, "B": 3, "Y": 4})]
    circuit = Netlist(netlist_json(cells, {"a": [2]}, {"product": [4]}), tiny)
    a = np.tile([0, 1, 1, 0], 50)
    planes = circuit.evaluate({"a": a})
    step = 0.001
    timing = Timing({}, {}, {3: (0.020, 0.020), 4: (nand_delay / 1000,) * 2}, step * STEPS)
    assert settled_toggles(circuit, planes, len(a))[4] == (0, 0)
    rises = 50 * pulses
    assert toggles_with_glitches(circuit, planes, len(a), timing)[4] == (rises, rises)
    assert toggles_with_glitches(circuit, planes, len(a), timing)[3] == (50, 50)


def test_a_circuit_whose_ports_have_other_names_has_no_energy_of_zero(tiny_file, tmp_path):
    costing, design = Costing(tmp_path / "cache", tiny_file), "exact4"
    stream = Stream("bits", lambda spec: (np.array([0, 1, 1, 0]), np.array([1, 1, 0, 1])))
    energies = costing.energy(design, Mapped(and_gate(), ""), stream)
    assert energies["energy_bits_pj"] > 0
    with pytest.raises(ValueError, match="input ports are x, y, but there are operands for a, b"):
        costing.energy(design, Mapped(and_gate("x", "y"), ""), stream)
    one = Stream("one", lambda spec: (np.ones(1, int), np.ones(1, int)))
    with pytest.raises(ValueError, match="stream one must have at least 2 vectors, not 1"):
        costing.energy(design, Mapped(and_gate(), ""), one)


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ({"A": [0, 1], "B": [0, 1]}, "input ports are a, b, but there are operands for A, B"),
        ({"a": [0, 1], "b": [0, 1], "c": [0, 1]}, "but there are operands for a, b, c"),
        ({"a": [0, 1]}, "but there are operands for a$"),
        ({}, "but there are operands for none"),
        ({"a": [0, 1], "b": [0, 1, 1]}, "as many vectors, not 2 for a, 3 for b"),
        ({"a": [], "b": []}, "as many vectors, not 0 for a, 0 for b"),
        ({"a": [0, 1], "b": [0, 2]}, "patterns of port b must be 0 to 1, not 2"),
        ({"a": [0, -1], "b": [0, 1]}, "patterns of port a must be 0 to 1, not -1"),
    ],
)
def test_operands_that_are_not_those_of_the_ports_are_named(tiny, operands, message):
    with pytest.raises(ValueError, match=message):
        Netlist(and_gate(), tiny).evaluate({k: np.array(v, int) for k, v in operands.items()})


def test_a_clock_of_another_name_is_not_held_at_zero(tiny):
    cells = [("NAND", {"A": 2, "B": 3, "Y": 4})]
    a = {"a": np.array([0, 1])}
    for name in ("clk", "rst", "en"):
        circuit = Netlist(netlist_json(cells, {"a": [2], name: [3]}, {"product": [4]}), tiny)
        expected = [1, 0] if name == "en" else [1, 1]
        assert circuit.product(circuit.evaluate(a), 2).tolist() == expected
    circuit = Netlist(netlist_json(cells, {"a": [2], "clock": [3]}, {"product": [4]}), tiny)
    with pytest.raises(ValueError, match="input ports are a, clock, but there are operands for a"):
        circuit.evaluate(a)


def test_a_library_that_says_nothing_of_energy_is_refused(tmp_path):
    path = tmp_path / "poor.lib"
    path.write_text(LIBERTY.replace("nom_voltage : 2;", ""))
    with pytest.raises(ValueError, match=r"poor.lib is not a usable .*: it says no nom_voltage"):
        read_liberty(path)
    for missing in ("capacitance : 3;", "area : 4;"):
        path.write_text(LIBERTY.replace(missing, ""))
        with pytest.raises(ValueError, match="library tiny: NAND has no area or no capacitance"):
            read_liberty(path).nand2  # noqa: B018


def test_leakage_of_states_is_their_mean_of_each_supply(tmp_path):
    """As ASAP7 has it: no cell_leakage_power, but a value for each state and supply."""
    states = " ".join(
        f'leakage_power () {{ value : {value}; when : "{when}"; related_pg_pin : {supply}; }}'
        for value, when, supply in ((100, "A", "VDD"), (300, "!A", "VDD"), (7, "A", "VSS"))
    )
    path = tmp_path / "states.lib"
    path.write_text(LIBERTY.replace("cell_leakage_power : 1000;", states))
    cells = read_liberty(path).cells
    assert cells["NAND"].leakage == pytest.approx(0.2 + 0.007)  # nW
    assert cells["INV"].leakage == 0
