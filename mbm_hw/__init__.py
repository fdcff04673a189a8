"""MBM and its relatives: one spec to RTL, to simulation, to a trained network's error study.

The families of multipliers are here by the names of their classes: `MBM`, `Mitchell`, `DRUM` and so
on; `mbm_hw.multipliers` has a file for each.

Importing this package is free. `mbm_hw.ops` and `mbm_hw.nn` import torch, and `mbm_hw.hdl` imports
amaranth. These modules and `to_verilog` are imported at their first use.
"""

import importlib

from mbm_hw import multipliers
from mbm_hw.multipliers import (
    CATALOG,
    FloatSpec,
    IntegerSpec,
    Spec,
    as_spec,
    choice,
    family,
    find_spec,
    flag,
    integer,
    multiply,
    product_table,
    spec_name,
)
from mbm_hw.multipliers.errors import ErrorMetrics, error_metrics

_FAMILIES = {entry.kind.__name__: entry.kind for entry in multipliers.own_families()}
globals().update(_FAMILIES)

__all__ = [
    "CATALOG",
    "ErrorMetrics",
    "FloatSpec",
    "IntegerSpec",
    "Spec",
    "as_spec",
    "choice",
    "error_metrics",
    "family",
    "find_spec",
    "flag",
    "integer",
    "multiply",
    "product_table",
    "spec_name",
    "to_verilog",
    *_FAMILIES,
]


_LAZY = {"hdl", "nn", "ops"}


def __getattr__(name):
    if name == "to_verilog":
        return importlib.import_module("mbm_hw.hdl").to_verilog
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("mbm-hw")
    if name in _LAZY:
        return importlib.import_module(f"mbm_hw.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
