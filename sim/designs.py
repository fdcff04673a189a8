"""The designs of rtl/, by name, and those of families of the user's own."""

from pathlib import Path

from mbm_hw.files import replacing
from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, find_design, memory_table
from mbm_hw.hdl.design_names import AnyDesign
from mbm_hw.hdl.designs import Design
from mbm_hw.hdl.verilog import design_to_verilog
from mbm_hw.multipliers import CATALOG
from mbm_hw.multipliers.names import is_of_file
from mbm_hw.multipliers.table_files import write_table
from sim.simulators import ROOT

RTL = ROOT / "rtl"
ALL = DESIGNS | DOT_PRODUCTS


def named_design(name: str) -> AnyDesign:
    """Return the design called `name`; the catalog's names, shorter for float specs, do too.

    name : of a design of rtl/; or `FILE.py:...`, as `find_design` takes it: a multiplier of a
        family of the user's own. ValueError if there is no such design.
    """
    if is_of_file(name):
        return find_design(name)
    if name in CATALOG:
        name = Design(CATALOG[name]).name
    if name not in ALL:
        raise ValueError(f"no design is called {name!r}; known: {', '.join(ALL)}")
    return ALL[name]


def verilog_of(design: AnyDesign, folder: Path) -> Path:
    """Return the file of a design's Verilog: that of rtl/, or else one written to `folder` now."""
    if ALL.get(design.name) == design:
        return RTL / f"{design.name}.v"
    return export(design, folder)


def export(design: AnyDesign, folder: Path) -> Path:
    """Write a design's Verilog, and the table that it reads, to `folder`; return its path."""
    path = folder / f"{design.name}.v"
    text, memory = design_to_verilog(design), memory_table(design.spec)
    path.parent.mkdir(parents=True, exist_ok=True)
    if memory is not None:
        write_table(memory, folder / f"{memory.identifier}.hex")
    with replacing(path) as file:
        file.write(text)
    return path
