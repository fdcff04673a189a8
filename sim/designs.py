"""Designs and their Verilog: those of rtl/, and any other by its name."""

from pathlib import Path

from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, exported, find_design, memory_table
from mbm_hw.hdl.cores import core_kind
from mbm_hw.hdl.design_names import AnyDesign
from mbm_hw.multipliers.table_files import write_table
from mbm_hw.system.files import replacing
from sim.simulators import ROOT

RTL = ROOT / "rtl"
ALL = DESIGNS | DOT_PRODUCTS


def named_design(name: str) -> AnyDesign:
    """Return the design of that name, as `find_design`: of rtl/ or not, or of a file of your own.

    ValueError if there is none, if it has no component, or if the file cannot be read.
    """
    try:
        design = find_design(name)
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}") from error
    core_kind(design.spec)
    return design


def verilog_file(design: AnyDesign, folder: Path) -> Path:
    """Return the path of a design's Verilog: in rtl/, or written into `folder` now."""
    if ALL.get(design.name) == design:
        return RTL / f"{design.name}.v"
    memory = memory_table(design.spec)
    if memory is not None:
        write_table(memory, folder / f"{memory.identifier}.hex")
    path = folder / f"{design.name}.v"
    with replacing(path) as file:
        file.write(exported(design))
    return path
