"""Runs inside the simulator, started by `sim.dot_product` with a trace, for dot-product units."""

import cocotb
from cocotb.triggers import Timer

from sim.dot_product_tests import Testbench


@cocotb.test()
async def sums_of_the_trace_are_right(dut):
    testbench = Testbench(dut)
    await testbench.start()
    *clocked, last = zip(testbench.operands, testbench.given.controls, strict=True)
    for operands, controls in clocked:
        await testbench.clock(*operands, **controls)
    (a, b, _), controls = last
    testbench.drive(a, b, **controls)
    await Timer(1, unit="ps")  # the outputs come from registers
    testbench.check()
    testbench.finish()
