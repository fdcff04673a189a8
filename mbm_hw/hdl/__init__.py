"""The multipliers as hardware: Amaranth components derived from a spec, and their Verilog."""

from mbm_hw.hdl.design_names import as_design, exported, find_design
from mbm_hw.hdl.designs import DESIGNS
from mbm_hw.hdl.dot_product import DotProduct
from mbm_hw.hdl.dot_product_verilog import DOT_PRODUCTS, dot_product_to_verilog
from mbm_hw.hdl.multiplier import Multiplier
from mbm_hw.hdl.product_table import ProductTable, memory_table
from mbm_hw.hdl.rtl_folder import write_designs
from mbm_hw.hdl.stream_multiplier import StreamMultiplier
from mbm_hw.hdl.verilog import to_verilog

__all__ = [
    "DESIGNS",
    "DOT_PRODUCTS",
    "DotProduct",
    "Multiplier",
    "ProductTable",
    "StreamMultiplier",
    "as_design",
    "dot_product_to_verilog",
    "exported",
    "find_design",
    "memory_table",
    "to_verilog",
    "write_designs",
]
