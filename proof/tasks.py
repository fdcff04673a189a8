"""What is proved in one go: the designs of rtl/, a sweep beyond them, and the planted faults."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mbm_hw.files import replacing
from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, memory_table
from mbm_hw.hdl.designs import MAX_PIPELINE, Design
from mbm_hw.hdl.dot_product_verilog import DotProductDesign
from mbm_hw.hdl.verilog import design_to_verilog
from mbm_hw.multipliers import MBM, Exact, FloatExact, FloatMBM, FloatMitchell, Mitchell, Table
from mbm_hw.multipliers.table_files import write_table
from sim.dot_product_faults import DESIGN, DOT_PRODUCT_FAULTS, faulty_verilog
from sim.faults import FAULTS
from sim.simulators import ROOT

FORMATS = ((2, 1), (4, 3), (5, 2), (3, 4), (6, 9), (8, 7), (5, 10), (8, 23))
"""Exponent and mantissa bits of the formats that are swept."""
TABLE_BITS, MAGNITUDE_BITS = 8, 6  # of the operands of the widest tables that are swept


@dataclass(frozen=True)
class Task:
    """A design to be proved; the Verilog is that of rtl/, unless a subclass says otherwise."""

    name: str
    design: Design | DotProductDesign

    def source(self, folder: Path) -> Path:
        """Return the path of the Verilog, which may be written into `folder` for it."""
        return ROOT / "rtl" / f"{self.name}.v"


class Exported(Task):
    """A design that rtl/ has not: it is exported now."""

    def source(self, folder: Path) -> Path:
        memory = memory_table(self.design.spec)
        if memory is not None:
            write_table(memory, folder / f"{memory.identifier}.hex")
        return _written(folder, self, design_to_verilog(self.design))


class Faulty(Task):
    """A planted fault, by its name in sim/faults or sim/dot_product_faults.py."""

    def source(self, folder: Path) -> Path:
        fault = FAULTS.get(self.name)
        text = faulty_verilog(self.name) if fault is None else fault.verilog()
        return _written(folder, self, text)


def catalog_tasks() -> list[Task]:
    """Return the designs of rtl/: multipliers, streams, MACs and dot-product units."""
    return [Task(name, design) for name, design in (DESIGNS | DOT_PRODUCTS).items()]


def fault_tasks() -> list[Task]:
    """Return the planted faults of multipliers, streams, tables and dot-product units."""
    faults = {name: fault.design for name, fault in FAULTS.items()}
    return [Faulty(*item) for item in (faults | dict.fromkeys(DOT_PRODUCT_FAULTS, DESIGN)).items()]


def sweep_tasks() -> list[Task]:
    """Return every width 4 to 16, signed and not: all families, truncations from none to the most
    that is legal, combinational and with each number of register stages; more float formats; and
    random product tables.
    """
    return [Exported(design.name, design) for design in (*_sweep(), *_tables())]


def _sweep() -> Iterator[Design]:
    for bits in FORMATS:
        yield Design(FloatExact(*bits))
        for truncation in sorted({0, min(1, bits[1] - 1), bits[1] - 1}):
            yield Design(FloatMitchell(*bits, truncation))
            yield from (Design(FloatMBM(*bits, truncation, is_)) for is_ in (False, True))
    for width, signed in itertools.product(range(4, 17), (False, True)):
        yield Design(Exact(width, signed))
        for family in (Mitchell, MBM):
            most = width - 3 if signed else width - 2
            half = min(width // 2, most)
            for truncation in sorted({0, 1, half, most}):
                yield Design(family(width, truncation, signed))
            for pipeline in range(1, MAX_PIPELINE + 1):
                yield Design(family(width, half if pipeline % 2 else 0, signed), pipeline)


def _tables() -> Iterator[Design]:
    """Yield random tables. With magnitudes of more bits the solver comes to no end."""
    generator = np.random.default_rng(0)
    for bits in range(Table.MIN_WIDTH, TABLE_BITS + 1):
        words = 1 << (2 * bits)
        array = generator.integers(0, words, (1 << bits, 1 << bits))
        yield Design(Table(array), bits % (MAX_PIPELINE + 1))
        yield Design(Table(array - words // 2, signed=True), bits % 2, stream=bits % 2 > 0)
        if bits <= MAGNITUDE_BITS:
            yield Design(Table(array, sign_magnitude=True), 2 * bits % (MAX_PIPELINE + 1))


def _written(folder: Path, task: Task, text: str) -> Path:
    path = folder / f"{task.design.name}.v"
    with replacing(path) as file:
        file.write(text)
    return path
