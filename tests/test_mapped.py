"""Mapped netlists are the multipliers; their paths and glitches are those that others find."""

import json
import os
import subprocess

import numpy as np
import pytest

from mbm_hw import find_spec, multiply, product_table
from mbm_hw.cost import activity
from mbm_hw.cost.activity import STEPS, settled_toggles, toggles_with_glitches
from mbm_hw.cost.netlist import Netlist
from mbm_hw.cost.timing import analyse, critical_path
from mbm_hw.hdl import find_design
from mbm_hw.multipliers import pattern_values
from sim.simulators import icarus_folder


def mapped_netlist(costing, name, build="array"):
    return costing.mapped(find_design(name), build).netlist(costing.library)


@pytest.mark.parametrize(
    ("name", "build"), [("mbm8", "array"), ("mbm8s", "array"), ("exact8", "booth")]
)
def test_the_mapped_netlist_is_the_multiplier_for_all_operands(costing, name, build):
    spec, circuit = find_spec(name), mapped_netlist(costing, name, build)
    a, b = (operand.ravel() for operand in np.indices((256, 256)))
    actual = circuit.product(circuit.evaluate({"a": a, "b": b}), a.size)
    expected = product_table(spec).ravel() & 0xFFFF
    wrong = np.flatnonzero(actual != expected)
    for i in wrong[:1]:
        pytest.fail(f"{name}: {a[i]} * {b[i]} is {actual[i]}, expected {expected[i]}")


def test_a_mapped_pipeline_gives_the_products_in_order(costing):
    design = find_design("mbm8s_p2")
    circuit = mapped_netlist(costing, "mbm8s_p2")
    a, b = np.random.default_rng(1).integers(0, 256, (2, 5000))
    actual = circuit.product(circuit.evaluate({"a": a, "b": b}), a.size)[2:]
    values = pattern_values(design.spec)
    expected = multiply(design.spec, values[a], values[b])[:-2] & 0xFFFF
    assert np.array_equal(actual, expected)


def test_a_swapped_cell_a_dropped_net_and_a_loop_are_noticed(costing):
    text = costing.mapped(find_design("mbm8"), "array").json
    a, b = (operand.ravel() for operand in np.indices((256, 256)))
    right = Netlist(text, costing.library)
    expected = right.product(right.evaluate({"a": a, "b": b}), a.size)
    swapped = Netlist(text.replace('"type": "NAND2X1"', '"type": "NOR2X1"', 1), costing.library)
    assert (swapped.product(swapped.evaluate({"a": a, "b": b}), a.size) != expected).any()
    document = json.loads(text)
    cells = document["modules"]["mbm8"]["cells"]
    dropped = next(name for name, cell in cells.items() if cell["type"] == "NAND2X1")
    gate = cells.pop(dropped)
    with pytest.raises(ValueError, match="has no driver"):
        Netlist(json.dumps(document), costing.library)
    gate["connections"]["A"] = gate["connections"]["Y"]
    cells[dropped] = gate
    with pytest.raises(ValueError, match="part of a loop"):
        Netlist(json.dumps(document), costing.library)


def test_the_path_is_as_long_as_opensta_finds_it(costing):
    for name in ("mbm8", "mbm8s_p2"):
        mapped = costing.mapped(find_design(name), "array")
        circuit = mapped.netlist(costing.library)
        found = critical_path(mapped.verilog, name, circuit, costing.liberty_file, costing.library)
        ours = analyse(circuit, costing.library).critical_path
        setup = 0.3 if circuit.registers else 0.0  # at most; ours leaves it out
        assert (1 - 0.02) * (found - setup) < ours < (1 + 0.02) * found, name


def test_icarus_counts_the_same_glitches(costing, tmp_path):
    """All nets together within 2 %: pulses exactly as long as a delay depend on event order."""
    circuit = mapped_netlist(costing, "mbm8")
    timing = analyse(circuit, costing.library)
    count = 1000
    a, b = np.random.default_rng(2).integers(0, 256, (2, count))
    toggles = toggles_with_glitches(circuit, circuit.evaluate({"a": a, "b": b}), count, timing)
    ours = {net: sum(both) for net, both in toggles.items() if net in timing.delays}
    found = icarus_toggles(circuit, timing, a, b, tmp_path)
    assert sum(ours.values()) == pytest.approx(sum(found.values()), rel=0.02)
    settled = settled_toggles(circuit, circuit.evaluate({"a": a, "b": b}), count)
    assert sum(ours.values()) > 1.2 * sum(sum(settled[net]) for net in ours)


def test_glitches_are_the_same_in_small_parts_as_at_once(costing, monkeypatch):
    circuit = mapped_netlist(costing, "mbm8")
    timing = analyse(circuit, costing.library)
    a, b = np.random.default_rng(3).integers(0, 256, (2, 300))
    planes = circuit.evaluate({"a": a, "b": b})
    at_once = toggles_with_glitches(circuit, planes, len(a), timing)
    monkeypatch.setattr(activity, "LANES", 128)
    assert toggles_with_glitches(circuit, planes, len(a), timing) == at_once


def icarus_toggles(circuit, timing, a, b, folder):
    """Return how often each gate's output changes in Icarus, with the same delays."""
    step = timing.critical_path / STEPS
    gates, counters = [], []
    for gate in circuit.gates:
        for pin in gate.cell.outputs:
            net = gate.nets[pin.name]
            names = {p: f"n{n}" if isinstance(n, int) else f"1'b{n}" for p, n in gate.nets.items()}
            function = " ".join(  # A B is A & B
                names.get(word, {"+": "|", "!": "~"}.get(word, word))
                for word in spelled(pin.function)
            )
            rise, fall = (max(round(delay / step), 1) for delay in timing.delays[net])
            gates.append(f"wire n{net}; assign #({rise}, {fall}) n{net} = {function};")
            counters.append(net)
    for name in ("a", "b"):
        gates = [
            f"wire n{net} = {name}[{i}];" for i, net in enumerate(circuit.inputs[name])
        ] + gates
    counts = "".join(f"integer c{n} = 0; always @(n{n}) c{n} = c{n} + on;\n" for n in counters)
    shown = "".join(f'$display("%0d %0d", {n}, c{n});\n' for n in counters)
    (folder / "operands.hex").write_text(
        "".join(f"{x:02x}{y:02x}\n" for x, y in zip(a, b, strict=True))
    )
    (folder / "bench.v").write_text(f"""
module bench; reg [7:0] a, b; reg [15:0] operands [0:{len(a) - 1}]; integer i; reg on = 0;
{chr(10).join(gates)}
{counts}
initial begin
  $readmemh("operands.hex", operands);
  {{a, b}} = operands[0];
  #{4 * STEPS} on = 1;
  for (i = 1; i < {len(a)}; i = i + 1) begin {{a, b}} = operands[i]; #{4 * STEPS}; end
  {shown}
  $finish;
end
endmodule""")
    path = os.pathsep.join([str(icarus_folder()), os.environ["PATH"]])
    run = {"cwd": folder, "env": os.environ | {"PATH": path}, "check": True}
    subprocess.run(["iverilog", "-g2001", "-o", "bench", "bench.v"], **run)
    printed = subprocess.run(["vvp", "bench"], capture_output=True, text=True, **run).stdout
    return {int(net): int(number) for net, number in map(str.split, printed.splitlines())}


def spelled(function):
    """Yield the words of OSU's functions, with the & that they leave out."""
    words = function.replace("(", " ( ").replace(")", " ) ").replace("!", " ! ")
    words = words.replace("+", " + ").replace("^", " ^ ").split()
    for before, word in zip([None, *words[:-1]], words, strict=True):
        is_operand = before is not None and (before == ")" or before.isalnum())
        if is_operand and (word in "(!" or word.isalnum()):
            yield "&"
        yield word
