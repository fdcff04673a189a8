"""What is proved in one go: the designs of rtl/, a sweep beyond them, and the planted faults."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS
from mbm_hw.hdl.cores import core_kind
from mbm_hw.hdl.designs import MAX_PIPELINE, Design
from mbm_hw.hdl.dot_product_verilog import DotProductDesign
from mbm_hw.multipliers import Spec, Table, families
from mbm_hw.multipliers.parameters import Choice, parameter_of, with_parameters
from mbm_hw.multipliers.registry import Family
from mbm_hw.system.files import replacing
from sim.designs import verilog_file
from sim.dot_product_faults import DESIGN, DOT_PRODUCT_FAULTS, faulty_verilog
from sim.faults import FAULTS

FORMATS = ((2, 1), (4, 3), (5, 2), (3, 4), (6, 9), (8, 7), (5, 10), (8, 23))
"""Exponent and mantissa bits of the formats that are swept."""
WIDTHS = range(4, 17)
TABLE_BITS, MAGNITUDE_BITS = 8, 6  # of the operands of the widest tables that are swept
_PLACES = (  # of a parameter, by name, among its legal values
    lambda _, legal: legal[0],
    lambda _, legal: legal[min(1, len(legal) - 1)],
    lambda _, legal: legal[len(legal) // 2],
    lambda _, legal: legal[-1],
)


@dataclass(frozen=True)
class Task:
    """A design to be proved; the Verilog is that of rtl/, or exported now, but for a subclass's."""

    name: str
    design: Design | DotProductDesign

    def source(self, folder: Path) -> Path:
        """Return the path of the Verilog, which may be written into `folder` for it."""
        return verilog_file(self.design, folder)


class Faulty(Task):
    """A planted fault, by its name in sim/faults or sim/dot_product_faults.py."""

    def source(self, folder: Path) -> Path:
        fault = FAULTS.get(self.name)
        text = faulty_verilog(self.name) if fault is None else fault.verilog()
        path = folder / f"{self.design.name}.v"
        with replacing(path) as file:
            file.write(text)
        return path


def catalog_tasks() -> list[Task]:
    """Return the designs of rtl/: multipliers, streams, MACs and dot-product units."""
    return [Task(name, design) for name, design in (DESIGNS | DOT_PRODUCTS).items()]


def fault_tasks() -> list[Task]:
    """Return the planted faults of multipliers, streams, tables and dot-product units."""
    faults = {name: fault.design for name, fault in FAULTS.items()}
    return [Faulty(*item) for item in (faults | dict.fromkeys(DOT_PRODUCT_FAULTS, DESIGN)).items()]


def sweep_tasks() -> list[Task]:
    """Return every width 4 to 16, signed and not: all families, their parameters from the lowest to
    the highest that are legal, combinational and with each number of register stages; more float
    formats; and random product tables.
    """
    return [Task(design.name, design) for design in (*_sweep(), *_tables())]


def _sweep() -> Iterator[Design]:
    for entry in families():
        fields = [field.name for field in dataclasses.fields(entry.kind)]
        if "mantissa_bits" in fields:
            names, points = ("exponent_bits", "mantissa_bits"), FORMATS
        elif "array" not in fields:
            names, points = ("width", "signed"), tuple(itertools.product(WIDTHS, (False, True)))
        else:
            continue
        for point in points:
            specs = _specs(entry, dict(zip(names, point, strict=True)))
            yield from map(Design, specs)
            if specs and not entry.kind.is_float:
                for pipeline in range(1, MAX_PIPELINE + 1):
                    yield Design(specs[pipeline % len(specs)], pipeline)


def _specs(entry: Family, fields: dict[str, object]) -> list[Spec]:
    """Return the specs of a family with these fields: none, if it has none.

    Numbers among the parameters are all at their lowest, next, middle or highest legal value; each
    with all values of those that are a choice of a few.
    """
    parameters = {f.name: parameter_of(f) for f in dataclasses.fields(entry.kind)}
    choices = {name: [*p.words] for name, p in parameters.items() if isinstance(p, Choice)}
    choices = {name: values for name, values in choices.items() if name not in entry.fixed}
    found = []
    for values in itertools.product(*choices.values()):
        known = fields | entry.fixed | dict(zip(choices, values, strict=True))
        for place in _PLACES:
            with contextlib.suppress(ValueError):  # the family has no such spec, or no component
                spec = with_parameters(entry.kind, known, place)
                core_kind(spec)
                found.append(spec)
    return list(dict.fromkeys(found))


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
