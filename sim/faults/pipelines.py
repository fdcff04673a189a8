"""Faults of the registers of a pipelined multiplier."""

import functools

from mbm_hw.hdl import to_verilog
from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import MBM
from sim.faults.planting import FAULTS, Fault, plant_text

PIPELINED = Design(MBM(8, signed=True), 2)

plant_text("stall_ignored_by_one_register", PIPELINED, "else if (en) sign_q", "else sign_q")
plant_text(
    "reset_ignored_by_one_register",
    PIPELINED,
    "if (rst) core_nonzero_q <= 1'h0;\n    else if",
    "if",
)
plant_text("reset_ignored_while_stalled", PIPELINED, "if (rst) product", "if (rst & en) product")
plant_text("reset_before_the_clock", PIPELINED, "@(posedge clk)", "@(posedge clk, posedge rst)")

for _name, _stages in (("latency_too_long", 3), ("latency_too_short", 1)):
    FAULTS[_name] = Fault(
        PIPELINED, functools.partial(to_verilog, PIPELINED.spec, "mbm8s_p2", _stages)
    )
