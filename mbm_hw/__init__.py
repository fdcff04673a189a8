"""MBM and its relatives: one spec to RTL, to simulation, to a trained network's error study.

Importing this package is free: torch is imported by `mbm_hw.ops` and `mbm_hw.nn`, amaranth by
`mbm_hw.hdl`, and `to_verilog` only when it is first used.
"""

from mbm_hw.catalog import CATALOG, as_spec, find_spec, spec_name
from mbm_hw.errors import ErrorMetrics, error_metrics
from mbm_hw.float_spec import FloatExact, FloatMBM, FloatMitchell, FloatSpec
from mbm_hw.reference import multiply, product_table
from mbm_hw.spec import MBM, Exact, IntegerSpec, Mitchell, Spec, Table

__all__ = [
    "CATALOG",
    "MBM",
    "ErrorMetrics",
    "Exact",
    "FloatExact",
    "FloatMBM",
    "FloatMitchell",
    "FloatSpec",
    "IntegerSpec",
    "Mitchell",
    "Spec",
    "Table",
    "as_spec",
    "error_metrics",
    "find_spec",
    "multiply",
    "product_table",
    "spec_name",
    "to_verilog",
]


def __getattr__(name):
    if name == "to_verilog":
        from mbm_hw.hdl import to_verilog

        return to_verilog
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
