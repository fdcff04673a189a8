"""Layers over `mbm_hw.ops`: `convert_` swaps a network's layers, `calibrate_` fixes their scales.

The layers' forward is approximate, bit for bit as the multiplier; their backward is exact.
`coverage` counts the multiplications of a forward, approximate and exact.
"""

from mbm_hw.nn.approx_layer import ApproxLayer
from mbm_hw.nn.calibrate import calibrate_
from mbm_hw.nn.convert import convert_
from mbm_hw.nn.counter import Coverage, coverage
from mbm_hw.nn.geometry import supports
from mbm_hw.nn.layers import ApproxConv2d, ApproxLinear
from mbm_hw.nn.left_exact import LeftExactWarning, left_exact

__all__ = [
    "ApproxConv2d",
    "ApproxLayer",
    "ApproxLinear",
    "Coverage",
    "LeftExactWarning",
    "calibrate_",
    "convert_",
    "coverage",
    "left_exact",
    "supports",
]
