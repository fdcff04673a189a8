"""A library's cells: their functions, areas, delays and energies.

Units everywhere: um2, ns, pF, pJ, nW.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mbm_hw.cost.cell_function import boolean_function


@dataclass(frozen=True)
class Table:
    """A quantity over the input's transition time (axis 0) and the output's load (axis 1)."""

    transitions: np.ndarray
    loads: np.ndarray
    values: np.ndarray

    def __call__(self, transition: float, load: float) -> float:
        """Return the value between the nearest entries, or beyond the last two, linearly."""
        rows = _between(self.transitions, transition)
        columns = _between(self.loads, load)
        return float(sum(self.values[i, j] * u * v for i, u in rows for j, v in columns))


@dataclass(frozen=True)
class Arc:
    """How an output follows an input pin. sense : positive_unate, negative_unate or non_unate.

    A clocked output's `input_pin` is its clock.
    """

    input_pin: str
    sense: str
    rise_delay: Table
    fall_delay: Table
    rise_transition: Table
    fall_transition: Table


@dataclass(frozen=True)
class InternalPower:
    """The energy, beside the load's, of a rise and a fall of the pin."""

    related_pin: str | None
    rise: Table
    fall: Table


@dataclass(frozen=True)
class Pin:
    name: str
    is_output: bool
    is_clock: bool
    capacitance: float
    function: str | None
    arcs: tuple[Arc, ...]
    powers: tuple[InternalPower, ...]


@dataclass(frozen=True)
class Cell:
    """A cell. state, next_state : a flip-flop's variable and the function that it takes."""

    name: str
    area: float
    leakage: float
    pins: Mapping[str, Pin]
    state: str | None = None
    next_state: str | None = None

    @property
    def inputs(self) -> list[Pin]:
        return [pin for pin in self.pins.values() if not pin.is_output]

    @property
    def outputs(self) -> list[Pin]:
        return [pin for pin in self.pins.values() if pin.is_output]


@dataclass(frozen=True, eq=False)
class Library:
    """A cell library at its nominal voltage, in volts."""

    name: str
    voltage: float
    cells: Mapping[str, Cell]

    @property
    def nand2(self) -> Cell:
        """The smallest two-input NAND: its area is one gate equivalent."""
        nands = [cell for cell in self.cells.values() if _is_nand2(cell)]
        if not nands:
            raise ValueError(f"library {self.name} has no two-input NAND")
        nand = min(nands, key=lambda cell: cell.area)
        if nand.area <= 0 or any(pin.capacitance <= 0 for pin in nand.inputs):
            raise ValueError(f"library {self.name}: {nand.name} has no area or no capacitance")
        return nand


def _between(axis: np.ndarray, x: float) -> list[tuple[int, float]]:
    """Return the indices of the two entries to use, with their weights."""
    if len(axis) == 1:
        return [(0, 1.0)]
    high = min(max(bisect_left(axis, x), 1), len(axis) - 1)
    weight = (x - axis[high - 1]) / (axis[high] - axis[high - 1])
    return [(high - 1, 1 - weight), (high, weight)]


def _is_nand2(cell: Cell) -> bool:
    if len(cell.inputs) != 2 or len(cell.outputs) != 1 or not cell.outputs[0].function:
        return False
    a, b = (pin.name for pin in cell.inputs)
    try:
        return boolean_function(cell.outputs[0].function)({a: 0b0101, b: 0b0011}) & 15 == 0b1110
    except KeyError:
        return False
