"""Runs inside the simulator, started by `sim.runner`, for combinational multipliers."""

import cocotb
from cocotb.triggers import Timer

from sim.checker import Checker, Vectors


@cocotb.test()
async def every_product_equals_the_reference(dut):
    vectors = Vectors.read()
    step = Timer(1, unit="ns")
    with Checker(vectors, "every_product_equals_the_reference") as checker:
        for a, b, expected in vectors.pairs:
            dut.a.value, dut.b.value = a, b
            await step
            checker.check(a, b, dut.product.value, expected)
        dut.a.value, dut.b.value = vectors.a[0], vectors.b[0]  # what has only risen falls again
        await step
