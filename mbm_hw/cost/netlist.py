"""A mapped netlist: cells of a library and the nets between them, evaluated in bit planes.

A plane is a net's values for many vectors, one bit each: uint64 [ceil(vectors / 64)].
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mbm_hw.cost.cell_function import boolean_function
from mbm_hw.cost.cells import Cell, Library

Net = int | str  # a number, or "0", "1", "x" for a constant
MAX_SETTLING = 16
CONTROLS = {"clk": 0, "rst": 0, "en": 1}
"""Input ports that need no operands, and the value that each then has."""


@dataclass(frozen=True)
class Instance:
    """A cell of the netlist and the net at each of its pins."""

    name: str
    cell: Cell
    nets: Mapping[str, Net]


class Netlist:
    """What Yosys' JSON says of a module that is mapped to a library.

    inputs, outputs : the ports' nets, lowest bit first.
    gates : the instances without a state, each after those that drive it.
    registers : the flip-flops.
    """

    def __init__(self, text: str, library: Library):
        modules = json.loads(text)["modules"]
        (module,) = (m for m in modules.values() if int(m["attributes"].get("top", "0"), 2))
        ports = module["ports"].items()
        self.inputs = {name: port["bits"] for name, port in ports if port["direction"] == "input"}
        self.outputs = {name: port["bits"] for name, port in ports if port["direction"] == "output"}
        instances = []
        for name, cell in module["cells"].items():
            if cell["type"] not in library.cells:
                raise ValueError(f"{cell['type']} of {name} is no cell of {library.name}")
            nets = {pin: bits[0] for pin, bits in cell["connections"].items() if bits}
            instances.append(Instance(name, library.cells[cell["type"]], nets))
        self.registers = [instance for instance in instances if instance.cell.state]
        self.gates = self._ordered([i for i in instances if not i.cell.state])

    @property
    def instances(self) -> list[Instance]:
        return self.gates + self.registers

    @property
    def area(self) -> float:
        """Square micrometres, wires not counted."""
        return sum(instance.cell.area for instance in self.instances)

    @cached_property
    def readers(self) -> dict[Net, list[tuple[Instance, str]]]:
        """The input pins that each net drives."""
        readers = {}
        for instance in self.instances:
            for pin in instance.cell.inputs:
                if pin.name in instance.nets:
                    readers.setdefault(instance.nets[pin.name], []).append((instance, pin.name))
        return readers

    def evaluate(self, operands: Mapping[str, np.ndarray]) -> dict[Net, np.ndarray]:
        """Return every net's plane for vectors that come one a clock.

        operands : each input port's patterns, integers [vectors]; only the ports of CONTROLS may be
            left out. Registers hold 0 before the first vector.

        Other ports than the netlist's, patterns that a port has no bits for, and numbers of vectors
        that differ or are 0 are a ValueError.
        """
        count = self._vector_count(operands)
        ones = planes_of(np.ones(count, np.uint8), 1)[0]
        known = {"0": ones & np.uint64(0), "1": ones, "x": ones & np.uint64(0)}
        for name, nets in self.inputs.items():
            values = operands[name] if name in operands else np.full(count, CONTROLS[name])
            known.update(zip(nets, planes_of(values, len(nets)), strict=True))
        stored = {net: known["0"] for net in self._register_nets}
        for _ in range(MAX_SETTLING):
            planes = known | stored
            for gate in self.gates:
                values = {pin: planes[net] for pin, net in gate.nets.items() if net in planes}
                for output in gate.cell.outputs:
                    if output.name in gate.nets:
                        planes[gate.nets[output.name]] = _function(output.function)(values) & ones
            following = dict(self._register_outputs(planes, ones))
            if all(np.array_equal(stored[net], following[net]) for net in stored):
                return planes
            stored = following
        raise ValueError("the registers do not settle: a pipeline has no loops")

    def product(self, planes: Mapping[Net, np.ndarray], count: int) -> np.ndarray:
        """Return the output port `product` of `evaluate`'s planes, uint64 patterns [count]."""
        values = np.zeros(count, np.uint64)
        for position, net in enumerate(self.outputs["product"]):
            bits = np.unpackbits(planes[net].view(np.uint8), bitorder="little", count=count)
            values |= bits.astype(np.uint64) << np.uint64(position)
        return values

    def _vector_count(self, operands: Mapping[str, np.ndarray]) -> int:
        if not self.inputs.keys() - CONTROLS <= operands.keys() <= self.inputs.keys():
            raise ValueError(
                f"the circuit's input ports are {', '.join(self.inputs)}, "
                f"but there are operands for {', '.join(operands) or 'none'}"
            )
        counts = {len(values) for values in operands.values()}
        if len(counts) != 1 or 0 in counts:
            came = ", ".join(f"{len(values)} for {name}" for name, values in operands.items())
            raise ValueError(f"each input port must have as many vectors, not {came or 'none'}")
        for name, values in operands.items():
            high = (1 << len(self.inputs[name])) - 1
            low, largest = int(np.min(values)), int(np.max(values))
            if low < 0 or largest > high:
                came = low if low < 0 else largest
                raise ValueError(f"patterns of port {name} must be 0 to {high}, not {came}")
        return counts.pop()

    @cached_property
    def _register_nets(self) -> set[Net]:
        return {
            register.nets[pin.name]
            for register in self.registers
            for pin in register.cell.outputs
            if pin.name in register.nets
        }

    def _register_outputs(self, planes, ones):
        """Yield what each register's output nets hold one clock after `planes`."""
        for register in self.registers:
            values = {pin: planes[net] for pin, net in register.nets.items() if net in planes}
            following = _function(register.cell.next_state)(values) & ones
            held = delayed(following) & ones
            for pin in register.cell.outputs:
                if pin.name in register.nets:
                    inverted = pin.function != register.cell.state
                    yield register.nets[pin.name], ~held & ones if inverted else held

    def _ordered(self, gates: list[Instance]) -> list[Instance]:
        drivers = {
            gate.nets[pin.name]: gate
            for gate in gates
            for pin in gate.cell.outputs
            if pin.name in gate.nets
        }
        known = {"0", "1", "x", *(net for nets in self.inputs.values() for net in nets)}
        known |= self._register_nets
        ordered, placed, pending = [], set(), gates[::-1]
        waiting = set()
        while pending:
            gate = pending[-1]
            missing = []
            for pin in gate.cell.inputs:
                net = gate.nets.get(pin.name, "x")
                if net in known or id(drivers.get(net)) in placed:
                    continue
                if net not in drivers:
                    raise ValueError(f"net {net} at {gate.name}.{pin.name} has no driver")
                missing.append(drivers[net])
            if not missing or id(gate) in placed:
                pending.pop()
                if id(gate) not in placed:
                    placed.add(id(gate))
                    ordered.append(gate)
                continue
            if id(gate) in waiting:
                raise ValueError(f"the gate {gate.name} is part of a loop")
            waiting.add(id(gate))
            pending += missing
        undriven = [
            n for nets in self.outputs.values() for n in nets if n not in known | set(drivers)
        ]
        if undriven:
            raise ValueError(f"net {undriven[0]} at an output has no driver")
        return ordered


def planes_of(values: np.ndarray, width: int) -> np.ndarray:
    """Return the bits of `values`, lowest first, as planes: uint64 [width, ceil(vectors / 64)]."""
    patterns = np.asarray(values).astype(np.int64).astype(np.uint64)
    bits = (patterns >> np.arange(width, dtype=np.uint64)[:, None]) & np.uint64(1)
    packed = np.packbits(bits.astype(np.uint8), axis=1, bitorder="little")
    padded = np.zeros((width, -(-len(values) // 64) * 8), np.uint8)
    padded[:, : packed.shape[1]] = packed
    return padded.view("<u8")


def delayed(plane: np.ndarray) -> np.ndarray:
    """Return the plane one vector later: 0 for the first vector."""
    shifted = plane << np.uint64(1)
    shifted[1:] |= plane[:-1] >> np.uint64(63)
    return shifted


_FUNCTIONS: dict[str, Callable] = {}


def _function(text: str) -> Callable[[Mapping], np.ndarray]:
    if text not in _FUNCTIONS:
        _FUNCTIONS[text] = boolean_function(text)
    return _FUNCTIONS[text]
