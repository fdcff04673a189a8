"""The convolution engine in hardware, its Verilog, and the driver that tiles layers for it."""

from mbm_hw.hdl.engine.driver import Convolution
from mbm_hw.hdl.engine.engine import Engine
from mbm_hw.hdl.engine.engine_verilog import engine_to_verilog
from mbm_hw.hdl.engine.parameters import EngineParameters

__all__ = ["Convolution", "Engine", "EngineParameters", "engine_to_verilog"]
