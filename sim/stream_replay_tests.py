"""Runs inside the simulator, started by `sim.runner` with a trace, for multipliers of streams."""

import cocotb

from sim.checker import Checker, Vectors
from sim.stream_tests import Testbench


@cocotb.test()
async def handshakes_of_the_trace_lose_and_repeat_nothing(dut):
    vectors = Vectors.read()
    with Checker(vectors, "trace") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair, controls in zip(vectors.pairs, vectors.controls, strict=True):
            if controls["rst"]:
                await testbench.reset()
                continue
            await testbench.check_ready()
            if controls is vectors.controls[-1]:
                await testbench.check_reset()
            is_offered, is_accepted = controls["operands_valid"], controls["product_ready"]
            await testbench.clock(pair if is_offered else None, ready=is_accepted)
