"""Runs inside the simulator, started by `sim.runner.replay`, for pipelined multipliers."""

import cocotb
from cocotb.triggers import Timer

from sim.checker import Checker, Vectors
from sim.pipeline_tests import Testbench


@cocotb.test()
async def every_product_of_the_trace_equals_the_reference(dut):
    vectors = Vectors.read()
    columns = (vectors.a, vectors.b, vectors.expected, vectors.rst, vectors.en)
    *clocked, (a, b, _, rst, en) = zip(*columns, strict=True)
    with Checker(vectors, "trace") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for *pair, rst_then, en_then in clocked:
            await testbench.clock(*pair, rst=rst_then, en=en_then)
        testbench.driver.drive(a=a, b=b, rst=rst, en=en)
        await Timer(500, unit="ps")  # the clock rises 1 ns after it fell
        a, b, expected = testbench.stages[0]
        checker.check(a, b, dut.product.value, expected)
