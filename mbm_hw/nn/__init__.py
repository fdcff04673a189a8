"""Layers over `mbm_hw.ops`: `convert_` swaps a network's layers, `calibrate_` fixes their scales.

The layers' forward is approximate, bit for bit as the multiplier; their backward is exact.
"""

from mbm_hw.nn.calibrate import calibrate_
from mbm_hw.nn.convert import convert_
from mbm_hw.nn.geometry import supports
from mbm_hw.nn.layers import ApproxConv2d, ApproxLayer, ApproxLinear

__all__ = ["ApproxConv2d", "ApproxLayer", "ApproxLinear", "calibrate_", "convert_", "supports"]
