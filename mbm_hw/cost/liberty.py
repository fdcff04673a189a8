"""Cell libraries in the Liberty format: the parts of it that a price needs.

Units everywhere: um2, ns, pF, pJ, nW, whatever those of the file.

Ref: Liberty User Guide, volume 1 (Synopsys; opensourceliberty.org).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

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
        return min(nands, key=lambda cell: cell.area)


def read_liberty(path: str | Path) -> Library:
    """Return the cell library in the file `path`; a ValueError that names it if it is none."""
    path = Path(path)
    try:
        root = _parse(path.read_text(encoding="utf-8", errors="replace"))
        return _library(root)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not a usable Liberty file: {error}") from None


def boolean_function(text: str) -> Callable[[Mapping], object]:
    """Return a cell's function, such as "!((A B)+C)", over integers or arrays taken bit by bit.

    It takes a mapping from pins to values and returns what `&`, `|`, `^` and `~` make of them.
    """
    tokens = re.findall(r"\w+|[!'^&*|+()]", text)
    tree = _Function(tokens).parsed()
    return eval(f"lambda v: {tree}", {})


class _Function:
    """A parser by descent: ! and ' bind tightest, then ^, then & * and nothing, then | +."""

    def __init__(self, tokens):
        self.tokens = tokens[::-1]

    def parsed(self) -> str:
        tree = self.any_of()
        if self.tokens:
            raise ValueError(f"unexpected {self.tokens[-1]!r} in a cell's function")
        return tree

    def next(self, *expected) -> bool:
        if self.tokens and self.tokens[-1] in expected:
            self.tokens.pop()
            return True
        return False

    def any_of(self):
        tree = self.all_of()
        while self.next("|", "+"):
            tree = f"({tree} | {self.all_of()})"
        return tree

    def all_of(self):
        tree = self.odd_of()
        while self.next("&", "*") or (self.tokens and re.match(r"[\w!(]", self.tokens[-1])):
            tree = f"({tree} & {self.odd_of()})"
        return tree

    def odd_of(self):
        tree = self.term()
        while self.next("^"):
            tree = f"({tree} ^ {self.term()})"
        return tree

    def term(self):
        if self.next("!"):
            return f"~{self.term()}"
        if self.next("("):
            tree = self.any_of()
            if not self.next(")"):
                raise ValueError("a cell's function lacks a )")
        else:
            name = self.tokens.pop() if self.tokens else ""
            if not re.fullmatch(r"\w+", name):
                raise ValueError(f"a cell's function has {name!r} for a pin")
            tree = f"v[{name!r}]"
        return f"~{tree}" if self.next("'") else tree


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
    return Library(root.arguments[0], root.number("nom_voltage") * scale.voltage, cells)


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
            leakage=group.number("cell_leakage_power") * self.leakage,
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


def _tables(group: Group, kinds: str) -> list[Group]:
    """Return the table groups of these kinds, or nothing if one of them is missing."""
    tables = [(group.all(kind) or [None])[0] for kind in kinds.split()]
    return [] if None in tables else tables


def _numbers(text: str) -> list[float]:
    return [float(word) for word in re.split(r"[,\s]+", text.strip())]


def _between(axis: np.ndarray, x: float) -> list[tuple[int, float]]:
    """Return the indices of the two entries to use, with their weights."""
    if len(axis) == 1:
        return [(0, 1.0)]
    high = int(np.clip(np.searchsorted(axis, x), 1, len(axis) - 1))
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
