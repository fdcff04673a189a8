"""What is proved in one go: the designs of rtl/, a sweep beyond them, and the planted faults."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mbm_hw.files import replacing
from mbm_hw.float_spec import FloatExact, FloatMBM, FloatMitchell
from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, to_verilog
from mbm_hw.hdl.designs import MAX_PIPELINE, Design
from mbm_hw.hdl.dot_product_verilog import DotProductDesign
from mbm_hw.spec import MBM, Exact, Mitchell
from sim.faults import FAULTS
from sim.simulators import ROOT

FORMATS = ((2, 1), (4, 3), (5, 2), (3, 4), (6, 9), (8, 7), (5, 10), (8, 23))
"""Exponent and mantissa bits of the formats that are swept."""


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
        return _written(folder, self, to_verilog(self.design.spec, pipeline=self.design.pipeline))


class Faulty(Task):
    """A planted fault, by its name in sim/faults.py."""

    def source(self, folder: Path) -> Path:
        return _written(folder, self, FAULTS[self.name].verilog())


def catalog_tasks() -> list[Task]:
    """Return the designs of rtl/: multipliers, streams, MACs and dot-product units."""
    return [Task(name, design) for name, design in (DESIGNS | DOT_PRODUCTS).items()]


def fault_tasks() -> list[Task]:
    """Return the faults whose operands can be found and replayed: streams have none."""
    faults = FAULTS.items()
    return [Faulty(name, fault.design) for name, fault in faults if not fault.design.stream]


def sweep_tasks() -> list[Task]:
    """Return every width 4 to 16, signed and not: all families, truncations from none to the most
    that is legal, combinational and with each number of register stages; and more float formats.
    """
    return [Exported(design.name, design) for design in _sweep()]


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


def _written(folder: Path, task: Task, text: str) -> Path:
    path = folder / f"{task.design.name}.v"
    with replacing(path) as file:
        file.write(text)
    return path
