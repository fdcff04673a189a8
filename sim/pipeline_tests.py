"""Runs inside the simulator, started by `sim.runner`, for pipelined multipliers.

Inputs change and the product is read at the falling edge of clk, so one call of `Testbench.clock`
is one rising edge. The model is a queue of operand pairs, as long as the latency.
"""

import random
from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, Timer

from sim.checker import Checker, Vectors
from sim.coverage import control
from sim.driver import Driver

SAMPLED_PAIRS = 2_000


class Testbench:
    """The driver, the model and the checker of one test."""

    def __init__(self, dut, checker: Checker):
        self.dut = dut
        self.driver = Driver(dut)
        self.checker = checker
        self.cleared = 0, 0, checker.vectors.cleared
        self.stages = deque([self.cleared] * checker.vectors.pipeline)

    async def start(self):
        """Start the clock, and reset with en = 0: a reset must not wait for it."""
        await self.driver.start_clock()
        await self.clock(rst=1, en=0)

    async def clock(self, *pair: int, rst: int = 0, en: int = 1):
        """Give a, b, and the product expected of them, one rising edge; check what follows it."""
        dut, stages = self.dut, self.stages
        a, b, expected = pair or self.cleared
        self.driver.drive(a=a, b=b, rst=rst, en=en)
        self.checker.bins.add(control(rst, en))
        if rst:
            stages.extend([self.cleared] * len(stages))
        elif en:
            stages.append((a, b, expected))
        while len(stages) > self.checker.vectors.pipeline:
            stages.popleft()
        await FallingEdge(dut.clk)
        a, b, expected = stages[0]
        self.checker.check(a, b, dut.product.value, expected)

    async def drain(self):
        for _ in range(self.checker.vectors.pipeline):
            await self.clock()


@cocotb.test()
async def back_to_back_operands_give_a_product_each_clock(dut):
    vectors = Vectors.read()
    with Checker(vectors, "back_to_back") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in vectors.pairs:
            await testbench.clock(*pair)
        await testbench.drain()


@cocotb.test()
async def stalls_lose_and_repeat_nothing(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "stalls") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in generator.choices(vectors.pairs, k=SAMPLED_PAIRS):
            await testbench.clock(*pair, en=generator.randrange(2))
        await testbench.drain()


@cocotb.test()
async def reset_in_mid_flight_clears_every_stage(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "reset_in_mid_flight") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in generator.choices(vectors.pairs, k=SAMPLED_PAIRS):
            rst, en = int(generator.randrange(8) == 0), int(generator.randrange(4) != 0)
            await testbench.clock(*pair, rst=rst, en=en)
        await testbench.drain()


@cocotb.test()
async def reset_waits_for_the_clock(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "reset_waits_for_the_clock") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in generator.choices(vectors.pairs, k=100):
            testbench.driver.drive(rst=1)
            await Timer(500, unit="ps")  # the clock rises 1 ns after it fell
            await testbench.clock(*pair)
        await testbench.drain()
