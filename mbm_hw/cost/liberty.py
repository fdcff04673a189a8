"""Cell libraries read from the Liberty format: the parts of it that a price needs.

Ref: Liberty User Guide, volume 1 (Synopsys; opensourceliberty.org).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mbm_hw.cost.cells import Arc, Cell, InternalPower, Library, Pin, Table

_TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|\\\s*?\n|"(?P<text>[^"]*)"|(?P<mark>[{}():;,])|(?P<word>[^\s{}():;,"\\]+)',
    re.DOTALL,
)
_TIME = {"1ns": 1.0, "100ps": 0.1, "10ps": 0.01, "1ps": 0.001}
_LEAKAGE = {"1mW": 1e6, "1uW": 1e3, "1nW": 1.0, "1pW": 1e-3}
_CAPACITANCE = {"pf": 1.0, "ff": 1e-3}
_LOAD = "total_output_net_capacitance"


@dataclass
class Group:
    """One group of a Liberty file, `kind (arguments) { attributes, groups }`."""

    kind: str
    arguments: list[str]
    attributes: dict[str, list[str]] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)

    def text(self, name: str, default: str | None = None) -> str | None:
        values = self.attributes.get(name)
        return values[0] if values else default

    def number(self, name: str, default: float = 0.0) -> float:
        return float(self.text(name, default))

    def all(self, kind: str) -> list["Group"]:
        return [group for group in self.groups if group.kind == kind]


def read_liberty(path: str | Path) -> Library:
    """Return the cell library in the file `path`; a ValueError that names it if it is none."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a usable Liberty file: it is a folder, pipe or device")
    try:
        root = _parse(path.read_text(encoding="utf-8", errors="replace"))
        return _library(root)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not a usable Liberty file: {error}") from None


def _parse(text: str) -> Group:
    """Return the file's one group."""
    tokens = [
        (match["text"], True)
        if match["text"] is not None
        else (match["mark"] or match["word"], False)
        for match in _TOKEN.finditer(text)
        if match.lastgroup
    ]
    top = Group("file", [])
    stack, words, i = [top], [], 0
    while i < len(tokens):
        token, quoted = tokens[i]
        i += 1
        if quoted or token not in "{}():;,":
            words.append(token)
        elif token == ":":
            while tokens[i] not in ((";", False), ("}", False)):
                words.append(tokens[i][0])
                i += 1
        elif token == "(":
            end = tokens.index((")", False), i)
            arguments = [value for value, q in tokens[i:end] if q or value != ","]
            i = end + 1
            if i < len(tokens) and tokens[i] == ("{", False):
                i += 1
                group = Group(words[-1], arguments)
                stack[-1].groups.append(group)
                stack.append(group)
            else:
                stack[-1].attributes[words[-1]] = arguments
            words = []
        elif token in ";}":
            if len(words) > 1:
                stack[-1].attributes[words[0]] = words[1:]
            words = []
            if token == "}":
                stack.pop()
    if len(stack) != 1 or len(top.groups) != 1 or top.groups[0].kind != "library":
        raise ValueError("it must hold one complete library group")
    return top.groups[0]


def _library(root: Group) -> Library:
    value, unit = root.attributes["capacitive_load_unit"]
    scale = _Scale(
        time=_TIME[root.text("time_unit").replace(" ", "")],
        capacitance=float(value) * _CAPACITANCE[unit.lower()],
        leakage=_LEAKAGE[root.text("leakage_power_unit", "1nW").replace(" ", "")],
        voltage={"1V": 1.0, "1mV": 1e-3}[root.text("voltage_unit", "1V")],
        templates={
            group.arguments[0]: group
            for group in root.groups
            if group.kind in ("lu_table_template", "power_lut_template")
        },
    )
    cells = {group.arguments[0]: scale.cell(group) for group in root.all("cell")}
    voltage = root.number("nom_voltage") * scale.voltage
    if voltage <= 0:
        raise ValueError("it says no nom_voltage, of which the energies are")
    return Library(root.arguments[0], voltage, cells)


@dataclass(frozen=True)
class _Scale:
    """Turns groups into cells, in this module's units."""

    time: float
    capacitance: float
    leakage: float
    voltage: float
    templates: Mapping[str, Group]

    @property
    def energy(self) -> float:
        return self.capacitance * self.voltage**2

    def cell(self, group: Group) -> Cell:
        pins = {name: self.pin(pin, name) for pin in group.all("pin") for name in pin.arguments}
        (flip_flop,) = group.all("ff")[:1] or [None]
        return Cell(
            name=group.arguments[0],
            area=group.number("area"),
            leakage=_leakage(group) * self.leakage,
            pins=pins,
            state=flip_flop and flip_flop.arguments[0],
            next_state=flip_flop and flip_flop.text("next_state"),
        )

    def pin(self, group: Group, name: str) -> Pin:
        return Pin(
            name=name,
            is_output=group.text("direction") == "output",
            is_clock=group.text("clock") == "true",
            capacitance=group.number("capacitance") * self.capacitance,
            function=group.text("function"),
            arcs=tuple(
                Arc(
                    timing.text("related_pin"),
                    timing.text("timing_sense", "non_unate"),
                    *(self.table(table, self.time) for table in tables),
                )
                for timing in group.all("timing")
                if (
                    tables := _tables(timing, "cell_rise cell_fall rise_transition fall_transition")
                )
            ),
            powers=tuple(
                InternalPower(
                    power.text("related_pin"), *(self.table(table, self.energy) for table in tables)
                )
                for power in group.all("internal_power")
                if (tables := _tables(power, "rise_power fall_power"))
            ),
        )

    def table(self, group: Group, unit: float) -> Table:
        template = self.templates.get(group.arguments[0] if group.arguments else "scalar")
        values = np.array([_numbers(row) for row in group.attributes["values"]])
        axes = {}
        for axis in ("1", "2"):
            variable = template.text(f"variable_{axis}") if template else None
            if variable is not None:
                index = group.text(f"index_{axis}") or template.text(f"index_{axis}")
                axes[variable == _LOAD] = np.array(_numbers(index))
        if list(axes) == [True, False]:  # the file has the load first
            values = values.reshape(len(axes[True]), len(axes[False])).T
        transitions, loads = axes.get(False, np.zeros(1)), axes.get(True, np.zeros(1))
        return Table(
            transitions * self.time,
            loads * self.capacitance,
            values.reshape(len(transitions), len(loads)) * unit,
        )


def _leakage(cell: Group) -> float:
    """Return a cell's leakage; where only its states have one, their mean, of all supplies."""
    if "cell_leakage_power" in cell.attributes:
        return cell.number("cell_leakage_power")
    supplies: dict[str | None, list[float]] = {}
    for state in cell.all("leakage_power"):
        if state.text("when"):
            supplies.setdefault(state.text("related_pg_pin"), []).append(state.number("value"))
    return sum(float(np.mean(values)) for values in supplies.values())


def _tables(group: Group, kinds: str) -> list[Group]:
    """Return the table groups of these kinds, or nothing if one of them is missing."""
    tables = [(group.all(kind) or [None])[0] for kind in kinds.split()]
    return [] if None in tables else tables


def _numbers(text: str) -> list[float]:
    return [float(word) for word in re.split(r"[,\s]+", text.strip())]
