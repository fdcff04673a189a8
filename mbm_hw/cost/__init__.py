"""What a design costs: area, delay and energy on standard cells, and its size on FPGAs."""

from mbm_hw.cost.breakdown import BROKEN_DOWN, breakdown
from mbm_hw.cost.fpga import DEVICES
from mbm_hw.cost.rows import Costing, builds, default_designs
from mbm_hw.cost.streams import Stream, layer_stream, shuffled, uniform

__all__ = [
    "BROKEN_DOWN",
    "DEVICES",
    "Costing",
    "Stream",
    "breakdown",
    "builds",
    "default_designs",
    "layer_stream",
    "shuffled",
    "uniform",
]
