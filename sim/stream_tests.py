"""Runs inside the simulator, started by `sim.runner`, for multipliers between streams.

Inputs change and outputs are read at the falling edge of clk: `Testbench.clock` is one rising edge.
The model is a queue of what went in and has not come out.
"""

import random
from collections import deque

import cocotb
from cocotb.triggers import FallingEdge, Timer

from sim.checker import Checker, Vectors
from sim.coverage import handshake
from sim.driver import Driver

SAMPLED_PAIRS = 2_000
BEATS_INSIDE = 1  # in the operands' buffer, besides one in each stage


class Testbench:
    """The drivers of both streams, the model and the checker of one test.

    clocks : rising edges since the reset.
    """

    def __init__(self, dut, checker: Checker):
        self.dut = dut
        self.driver = Driver(dut)
        self.checker = checker
        self.inside = deque()
        self.clocks = 0

    async def start(self):
        await self.driver.start_clock()
        await self.reset()

    async def reset(self):
        """Drop all that is inside; a valid product is none."""
        dut = self.dut
        self.driver.drive(rst=1, operands_valid=0, product_ready=0)
        await FallingEdge(dut.clk)
        self.driver.drive(rst=0)
        self.inside.clear()
        self.clocks = 0
        await Timer(1, unit="ps")
        assert dut.product_valid.value == 0, "a product is valid after the reset"
        assert dut.operands_ready.value == 1, "operands are refused after the reset"

    async def clock(self, pair=None, *, ready: int = 1) -> bool:
        """Offer a, b and the product expected of them, or nothing; return whether it was taken."""
        dut, inside = self.dut, self.inside
        most = 10 * max(len(self.checker.vectors.a), SAMPLED_PAIRS)
        assert self.clocks < most, "the streams have come to a stop"
        if pair is not None:
            self.driver.drive(a=pair[0], b=pair[1])
        self.driver.drive(operands_valid=int(pair is not None), product_ready=ready)
        await Timer(1, unit="ps")  # the combinational paths
        offered, accepts = pair is not None, dut.operands_ready.value == 1
        taken = offered and accepts
        case = handshake(int(offered), int(accepts), int(dut.product_valid.value == 1), int(ready))
        self.checker.bins.add(case)
        if taken:
            inside.append(pair)
        if dut.product_valid.value == 1:
            assert inside, "a product that nobody asked for"
            a, b, expected = inside[0]
            self.checker.check(a, b, dut.product.value, expected)  # while it is stalled too
            if ready:
                inside.popleft()
        assert len(inside) <= self.checker.vectors.pipeline + BEATS_INSIDE, "a product was lost"
        await FallingEdge(dut.clk)
        self.clocks += 1
        return taken

    async def check_ready(self):
        """Change the other handshake signals within the clock: operands_ready stays."""
        seen = []
        for ready, valid in ((0, 0), (1, 0), (0, 1), (1, 1)):
            self.driver.drive(product_ready=ready, operands_valid=valid)
            await Timer(10, unit="ps")
            seen.append(int(self.dut.operands_ready.value))
        assert len(set(seen)) == 1, "operands_ready follows another signal within the clock"

    async def check_reset(self):
        """Raise rst for less than a clock: a product on offer stays."""
        self.driver.drive(operands_valid=0, product_ready=0)
        seen = []
        for rst in (0, 1, 0):
            self.driver.drive(rst=rst)
            await Timer(10, unit="ps")
            seen.append(int(self.dut.product_valid.value))
        assert len(set(seen)) == 1, "the reset does not wait for the clock"

    async def drain(self):
        """Take the products that are inside, in as many clocks as there can be; then no more."""
        for _ in range(self.checker.vectors.pipeline + BEATS_INSIDE):
            await self.clock()
        assert not self.inside, f"{len(self.inside)} products are missing"
        await self.clock()


@cocotb.test()
async def without_stalls_there_is_a_product_each_clock(dut):
    vectors = Vectors.read()
    with Checker(vectors, "without_stalls") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in vectors.pairs:
            assert await testbench.clock(pair), "operands were refused without a stall"
            assert len(testbench.inside) <= vectors.pipeline, "a clock without a product"
        await testbench.drain()


@cocotb.test()
async def random_stalls_lose_and_repeat_nothing(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "random_stalls") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        waiting = deque(generator.choices(vectors.pairs, k=SAMPLED_PAIRS))
        # Each quarter of the beats has its own habits: who is slow, and how slow.
        while waiting:
            quarter = 4 * len(waiting) // (SAMPLED_PAIRS + 1)
            offers, accepts = ((1, 3), (3, 1), (1, 1), (3, 3))[quarter]
            pair = waiting[0] if generator.randrange(4) < offers else None
            while pair and not await testbench.clock(pair, ready=generator.randrange(4) < accepts):
                pass  # what has been offered stays on offer
            if pair:
                waiting.popleft()
            else:
                await testbench.clock(ready=generator.randrange(4) < accepts)
        await testbench.drain()


@cocotb.test()
async def one_stall_costs_no_clock_after_it(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "one_stall") as checker:
        for stall in (1, 2, 10):
            testbench = Testbench(dut, checker)
            await testbench.start()
            pairs = deque(generator.choices(vectors.pairs, k=100))
            while pairs:
                stalled = 50 <= testbench.clocks < 50 + stall
                if await testbench.clock(pairs[0], ready=not stalled):
                    pairs.popleft()
            await testbench.drain()
            assert testbench.clocks <= 100 + stall + vectors.pipeline + BEATS_INSIDE + 1


@cocotb.test()
async def reset_in_mid_flight_drops_what_is_inside(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "reset_in_mid_flight") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in generator.choices(vectors.pairs, k=SAMPLED_PAIRS // 4):
            if generator.randrange(8) == 0:
                await testbench.reset()
            await testbench.clock(pair, ready=generator.randrange(2))
        # A refused pair is withdrawn here, as a reset may do; the rest comes out.
        await testbench.drain()


@cocotb.test()
async def ready_waits_for_the_clock(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "ready_waits_for_the_clock") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in generator.choices(vectors.pairs, k=200):
            await testbench.check_ready()
            await testbench.clock(pair, ready=generator.randrange(2))
        await testbench.drain()


@cocotb.test()
async def reset_waits_for_the_clock(dut):
    vectors = Vectors.read()
    generator = random.Random(vectors.seed)
    with Checker(vectors, "reset_waits_for_the_clock") as checker:
        testbench = Testbench(dut, checker)
        await testbench.start()
        for pair in generator.choices(vectors.pairs, k=100):
            await testbench.check_reset()
            while not await testbench.clock(pair, ready=generator.randrange(2)):
                pass
        await testbench.drain()
