"""The multipliers as hardware: Amaranth components derived from a spec, and their Verilog."""

from mbm_hw.hdl.designs import DESIGNS
from mbm_hw.hdl.multiplier import Multiplier
from mbm_hw.hdl.product_table import ProductTable
from mbm_hw.hdl.stream_multiplier import StreamMultiplier
from mbm_hw.hdl.verilog import to_verilog, write_designs

__all__ = [
    "DESIGNS",
    "Multiplier",
    "ProductTable",
    "StreamMultiplier",
    "to_verilog",
    "write_designs",
]
