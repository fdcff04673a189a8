"""Runs inside the simulator, started by `sim.runner` with a trace, for pipelined multipliers."""

import cocotb
from cocotb.triggers import Timer

from sim.checker import Checker, Vectors
from sim.pipeline_tests import Testbench


@cocotb.test()
async def every_product_of_the_trace_equals_the_reference(dut):
    vectors = Vectors.read()
    *clocked, last = zip(vectors.pairs, vectors.controls, strict=True)
    with Checker(vectors, "trace") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair, controls in clocked:
            await testbench.clock(*pair, **controls)
        (a, b, _), controls = last
        testbench.driver.drive(a=a, b=b, **controls)
        await Timer(500, unit="ps")  # the clock rises 1 ns after it fell
        a, b, expected = testbench.stages[0]
        checker.check(a, b, dut.product.value, expected)
