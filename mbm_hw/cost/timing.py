"""How long a mapped netlist takes: the critical path by OpenSTA, and each gate's own delay.

No wires: a net's load is that of the pins it drives. Every output drives four NAND gates; every
input comes from a NAND gate that drives four of its kind; a clock has ideal edges.
"""

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mbm_hw.cost.cells import Library
from mbm_hw.cost.netlist import Net, Netlist
from mbm_hw.cost.tools import ToolError, opensta, run

FANOUT = 4
_PERIOD = 100  # ns, longer than any path; OpenSTA counts in single precision
_SCRIPT = """
read_liberty {liberty}
read_verilog {verilog}
link_design {top}
create_clock -name clk -period {period} {clock}
set_input_delay 0 -clock clk [get_ports {{{inputs}}}]
set_output_delay 0 -clock clk [all_outputs]
set_input_transition {transition} [get_ports {{{inputs}}}]
set_load {load} [all_outputs]
set_units -time ns -capacitance pF
report_checks -path_delay max -digits 6
"""


@dataclass(frozen=True)
class Timing:
    """What the library's tables say of a netlist.

    loads : of each net, in pF.
    transitions : of each net, the slowest rise and fall, in ns.
    delays : of each driven net, the mean over the gate's inputs of the delay to a rise and to a
        fall, in ns.
    critical_path : ns; the clock-to-output delay and no set-up time counted.
    """

    loads: Mapping[Net, float]
    transitions: Mapping[Net, tuple[float, float]]
    delays: Mapping[Net, tuple[float, float]]
    critical_path: float


def surroundings(library: Library) -> tuple[float, float]:
    """Return the load of the outputs, in pF, and the transition time at the inputs, in ns."""
    nand, slow = library.nand2, 0.0
    load = FANOUT * nand.inputs[0].capacitance
    for _ in range(20):  # a chain of them, until it is the same everywhere
        (arc, *_) = nand.outputs[0].arcs
        slow = max(arc.rise_transition(slow, load), arc.fall_transition(slow, load))
    return load, slow


def analyse(netlist: Netlist, library: Library) -> Timing:
    """Return the netlist's loads, transition times and delays."""
    output_load, input_transition = surroundings(library)
    driven = [net for nets in netlist.outputs.values() for net in nets]
    loads = {
        net: sum(instance.cell.pins[pin].capacitance for instance, pin in readers)
        for net, readers in netlist.readers.items()
    }
    for net in driven:
        loads[net] = loads.get(net, 0.0) + output_load
    transitions = {net: (input_transition,) * 2 for nets in netlist.inputs.values() for net in nets}
    transitions |= {net: (0.0, 0.0) for net in ("0", "1", "x", *netlist.inputs.get("clk", ()))}
    arrivals, delays = dict.fromkeys(transitions, (0.0, 0.0)), {}
    for instance in netlist.registers + netlist.gates:
        for pin in instance.cell.outputs:
            if pin.name not in instance.nets:
                continue
            net = instance.nets[pin.name]
            edges = [[], []]  # of rises and of falls: (arrival, transition, delay)
            for arc in pin.arcs:
                source = instance.nets.get(arc.input_pin, "x")
                load = loads.setdefault(net, 0.0)
                for edge in (0, 1):
                    delay = (arc.rise_delay, arc.fall_delay)[edge]
                    transition = (arc.rise_transition, arc.fall_transition)[edge]
                    for cause in _causes(arc.sense, edge):
                        slow = transitions[source][cause]
                        start = 0.0 if instance.cell.state else arrivals[source][cause]
                        here = delay(slow, load)
                        edges[edge].append((start + here, transition(slow, load), here))
            arrivals[net] = tuple(max(e[0] for e in edge) for edge in edges)
            transitions[net] = tuple(max(e[1] for e in edge) for edge in edges)
            delays[net] = tuple(sum(e[2] for e in edge) / len(edge) for edge in edges)
    ends = driven + [net for r in netlist.registers for net in r.nets.values()]
    longest = max((max(arrivals[net]) for net in ends), default=0.0)
    return Timing(loads, transitions, delays, longest)


def critical_path(
    verilog: str, top: str, netlist: Netlist, liberty: Path, library: Library
) -> float:
    """Return the longest path, in ns, as OpenSTA finds it: the shortest clock period.

    verilog, top : the netlist as Verilog, and its module. liberty : the library's file.

    Paths start at inputs and registers and end at outputs and registers, set-up time counted.
    """
    load, transition = surroundings(library)
    ports = ((name, len(nets)) for name, nets in netlist.inputs.items() if name != "clk")
    inputs = [f"{name}[*]" if width > 1 else name for name, width in ports]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "netlist.v").write_text(verilog)
        text = Path(liberty).read_text(encoding="utf-8", errors="replace")
        (folder / "cells.lib").write_text(re.sub(r"default_wire_load(_selection)? *:.*", "", text))
        script = _SCRIPT.format(
            liberty="cells.lib",
            verilog="netlist.v",
            top=top,
            period=_PERIOD,
            clock="[get_ports clk]" if netlist.registers else "",
            inputs=" ".join(inputs),
            transition=transition,
            load=load,
        )
        (folder / "script.tcl").write_text(script)
        report = run([*opensta(), "script.tcl"], folder)
    error = re.search(r"^Error.*", report, re.MULTILINE)
    slack = re.search(r"(-?[\d.]+) +slack", report)
    if error or slack is None:
        raise ToolError(f"OpenSTA: {error[0] if error else f'no path in {top}'}")
    return _PERIOD - float(slack[1])


def _causes(sense: str, edge: int) -> tuple[int, ...]:
    """Return which input edges, 0 for a rise and 1 for a fall, make this output edge."""
    return {"positive_unate": (edge,), "negative_unate": (1 - edge,)}.get(sense, (0, 1))
