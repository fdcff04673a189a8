"""The designs whose Verilog is kept in rtl/."""

from types import MappingProxyType
from typing import NamedTuple

from mbm_hw.catalog import CATALOG
from mbm_hw.spec import IntegerSpec

MAX_PIPELINE = 3


class Design(NamedTuple):
    """A multiplier to export: its spec and its register stages, 0 for a combinational one."""

    spec: IntegerSpec
    pipeline: int = 0

    @property
    def name(self) -> str:
        """The module's name: the spec's identifier, and `_pP` if pipelined."""
        return f"{self.spec.identifier}_p{self.pipeline}" if self.pipeline else self.spec.identifier


def check_design(spec: IntegerSpec, pipeline: int):
    """Raise a TypeError or a ValueError if there is no such multiplier."""
    if not isinstance(spec, IntegerSpec):
        raise TypeError(f"Multiplier takes an integer spec, not {spec!r}")
    if isinstance(pipeline, bool) or pipeline not in range(MAX_PIPELINE + 1):
        raise ValueError(f"pipeline must be an integer 0 to {MAX_PIPELINE}, not {pipeline!r}")


_PIPELINED = (Design(CATALOG["mbm8s"], 2), Design(CATALOG["mbm16s"], 3))

_COMBINATIONAL = (Design(spec) for spec in CATALOG.values() if isinstance(spec, IntegerSpec))

DESIGNS = MappingProxyType({design.name: design for design in (*_COMBINATIONAL, *_PIPELINED)})
"""Every integer spec of the catalog, and pipelined ones. Float specs have no RTL yet."""
