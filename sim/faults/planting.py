"""Planting of faults: in a step of a component, or in the Verilog's text."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from mbm_hw.hdl import Multiplier
from mbm_hw.hdl.cores import Core, core_kind
from mbm_hw.hdl.designs import Design
from mbm_hw.hdl.verilog import component_to_verilog, design_to_verilog
from mbm_hw.multipliers import Spec


@dataclass(frozen=True)
class Fault:
    """A fault: the design it claims to be, and a function that returns its Verilog."""

    design: Design
    verilog: Callable[[], str]


FAULTS: dict[str, Fault] = {}
"""The planted faults by name, in the order in which they were planted."""


def planted(*specs: Spec) -> Callable[[type], type]:
    """Return a decorator that plants a faulty step in the multipliers of `specs`.

    The class is a Core of which one step is wrong, or a Multiplier. The fault is called after the
    multiplier and the class: mbm8_overflow_corner_dropped.
    """

    def plant(faulty: type[Core] | type[Multiplier]) -> type:
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", faulty.__name__).lower()
        for spec in specs:
            build = faulty if issubclass(faulty, Multiplier) else _with_core(faulty)
            verilog = functools.partial(_verilog, build, spec)
            FAULTS[f"{spec.identifier}_{words}"] = Fault(Design(spec), verilog)
        return faulty

    return plant


def plant_text(name: str, design: Design, right: str, wrong: str):
    """Plant a fault in the Verilog of a design, in which `wrong` takes the place of `right`."""

    def verilog():
        text = design_to_verilog(design)
        assert right in text, f"the Verilog of {design.name} no longer holds {right!r}"
        return text.replace(right, wrong)

    FAULTS[name] = Fault(design, verilog)


def _with_core(faulty_step: type[Core]) -> type[Multiplier]:
    class FaultyMultiplier(Multiplier):
        def core(self, latency):
            bases = faulty_step, core_kind(self.spec)
            return type("FaultyCore", bases, {})(self.spec, latency)

    return FaultyMultiplier


def _verilog(multiplier: type[Multiplier], spec: Spec) -> str:
    return component_to_verilog(multiplier(spec), spec.identifier)
