"""Runs inside the simulator, started by `sim.dot_product`, for MACs and dot-product units.

Inputs change and outputs are read at the falling edge of clk, so one call of `Testbench.clock` is
one rising edge. The model is an accumulator behind a queue as long as the pipeline.
"""

import json
import os
import random
from collections import deque
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, Timer

from sim.checker import SHOWN
from sim.dot_product import Model, Operands
from sim.dot_product_coverage import addition, control, set_flag

MOST_ADDITIONS = 1 << 18  # to the edge of an accumulator's range
CLEARED = (0, False)  # what pipeline registers hold after a reset: a total of 0, not a first one


class Testbench:
    """The driver, the model and the checker of one test."""

    def __init__(self, dut):
        self.dut = dut
        self.given = Operands.read()
        self.generator = random.Random(self.given.seed)
        self.clocks, self.checks, self.mismatches, self.messages = 0, 0, 0, []
        self.bins = set()
        self._clear()

    def _clear(self):
        self.model = Model(self.given.accumulator_width, self.given.signed)
        self.stages = deque([CLEARED] * self.given.pipeline)

    async def start(self):
        """Start the clock, and reset with en = 0: a reset must not wait for it."""
        self.dut.clk.value = 0
        await Timer(1, unit="ns")  # from the unknown to 0 is a falling edge too
        cocotb.start_soon(Clock(self.dut.clk, 2, unit="ns").start(start_high=False))
        await self.clock(0, 0, 0, rst=1, en=0)

    async def clock(self, a, b, total, *, first=0, rst=0, en=1, count=1):
        """Give the operands `count` rising edges, and check the sum that follows the last."""
        dut = self.dut
        self.drive(a, b, first, rst, en)
        for _ in range(count):
            self.bins.add(control(first, rst, en))
            is_flagged, event = self.model.overflow, "stalled"
            if rst:
                self._clear()
                event = "reset"
            elif en:
                self.stages.append((total, bool(first)))
                addend, starts = self.stages.popleft()
                self.bins.add(addition(self.model.add(addend, starts)))
                event = "cleared by first" if starts else "added to"
            if is_flagged:
                self.bins.add(set_flag(event))
        if not count:
            return
        await (FallingEdge(dut.clk) if count == 1 else ClockCycles(dut.clk, count, FallingEdge))
        self.clocks += 1
        self.check()

    def drive(self, a, b, first, rst, en):
        dut = self.dut
        dut.a.value, dut.b.value, dut.first.value = a, b, first
        dut.rst.value, dut.en.value = rst, en

    async def drain(self):
        """Let operands that add the smallest total through, until the last ones are in the sum."""
        for _ in range(self.given.pipeline):
            await self.clock(*self.given.extremes[1])

    def check(self):
        self.checks += 1
        dut, model = self.dut, self.model
        value = dut.sum.value
        if not (value.is_resolvable and dut.overflow.value.is_resolvable):
            actual = str(value), str(dut.overflow.value)
        else:
            number = value.to_signed() if self.given.signed else value.to_unsigned()
            actual = number, int(dut.overflow.value)
        expected = model.sum, int(model.overflow)
        if actual != expected:
            self.mismatches += 1
            if len(self.messages) < SHOWN:
                self.messages.append(
                    f"{self.given.design}: clock {self.clocks}: sum, overflow are {actual}, "
                    f"expected {expected}"
                )

    def finish(self):
        """Write the account, and fail if anything was wrong."""
        names = ("checks", "mismatches", "messages")
        outcome = {name: getattr(self, name) for name in names} | {"bins": sorted(self.bins)}
        with (Path(os.environ["SIM_FOLDER"]) / "outcome.jsonl").open("a") as file:
            file.write(json.dumps(outcome) + "\n")
        assert not self.mismatches, "\n".join(self.messages)

    @property
    def operands(self):
        given = self.given
        return zip(given.a, given.b, given.total, strict=True)


@cocotb.test()
async def sums_start_at_first_and_hold_while_stalled(dut):
    testbench = Testbench(dut)
    await testbench.start()
    random_bits = testbench.generator
    for operands in testbench.operands:
        first, en = int(random_bits.randrange(16) == 0), int(random_bits.randrange(4) != 0)
        await testbench.clock(*operands, first=first, en=en)
    await testbench.drain()
    testbench.finish()


@cocotb.test()
async def reset_in_mid_flight_clears_everything(dut):
    testbench = Testbench(dut)
    await testbench.start()
    random_bits = testbench.generator
    for operands in testbench.operands:
        rst, en = int(random_bits.randrange(8) == 0), int(random_bits.randrange(4) != 0)
        await testbench.clock(*operands, first=random_bits.randrange(2), rst=rst, en=en)
    testbench.finish()


@cocotb.test()
async def reset_waits_for_the_clock(dut):
    testbench = Testbench(dut)
    await testbench.start()
    for operands in list(testbench.operands)[:100]:
        dut.rst.value, dut.en.value = 1, 1
        await Timer(500, unit="ps")  # the clock rises 1 ns after it fell
        await testbench.clock(*operands)
    testbench.finish()


@cocotb.test()
async def overflow_is_flagged_at_its_clock_and_sticks(dut):
    """The largest products, and then the smallest ones, over the edge of the range and back.

    The flag is cleared once by a first addend, and once by a reset. Accumulators that take more
    than MOST_ADDITIONS do not come to their edge, which is left to the proof, by induction.
    """
    testbench = Testbench(dut)
    await testbench.start()
    given = testbench.given
    largest, smallest = given.extremes
    # Unsigned products do not go below 0.
    ways = ((largest, smallest), (smallest, largest) if smallest[2] < 0 else (largest, smallest))
    for (extreme, other), clearing in zip(ways, ({"first": 1}, {"rst": 1}), strict=True):
        total = extreme[2]
        limit = 1 << (given.accumulator_width - given.signed)
        additions = (limit - (total > 0)) // abs(total)  # the most that fit
        await testbench.clock(*extreme, first=1)
        await testbench.clock(*extreme, count=given.pipeline)
        await testbench.clock(*extreme, count=min(additions - 1, MOST_ADDITIONS))
        assert not testbench.model.overflow
        await testbench.clock(*extreme)
        assert testbench.model.overflow == (additions - 1 <= MOST_ADDITIONS)
        for _ in range(5):
            await testbench.clock(*extreme)
        await testbench.clock(*other, en=0)
        for _ in range(10 + given.pipeline):  # back into the range
            await testbench.clock(*other)
        await testbench.clock(*other, **clearing)
        await testbench.clock(*other, count=given.pipeline)
        assert not testbench.model.overflow
        await testbench.clock(*other)
    testbench.finish()
