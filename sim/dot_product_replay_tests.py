"""Runs inside the simulator, started by `sim.dot_product` with a trace, for dot-product units."""

import cocotb

from sim.dot_product_tests import Testbench


@cocotb.test()
async def sums_of_the_trace_are_right(dut):
    testbench = Testbench(dut)
    await testbench.start()
    for operands, controls in zip(testbench.operands, testbench.given.controls, strict=True):
        await testbench.clock(*operands, **controls)
    testbench.finish()
