"""Runs inside the simulator, started by `sim.engine`: streams words through the engine.

The clock is driven here, so that a clock costs two triggers: inputs change with the falling edge,
handshakes are looked at before the rising one.
"""

import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import cocotb
from cocotb.handle import Immediate
from cocotb.triggers import Timer

from sim.engine import Flow, Run, read_flows


class Source:
    """Drives a stream: a word stays valid until it is taken."""

    def __init__(self, dut, name: str, words: Sequence[int]):
        self.payload, self.valid, self.ready = (
            getattr(dut, f"{name}__{part}") for part in ("payload", "valid", "ready")
        )
        self.words = iter(words)
        self.is_valid = False

    def offer(self, held_back: bool):
        """At the falling edge: make the next word valid, unless one is or it is held back."""
        if self.is_valid or held_back:
            return
        word = next(self.words, None)
        if word is not None:
            self.payload.set(Immediate(word))
            self.valid.set(Immediate(1))
            self.is_valid = True

    def look(self) -> bool:
        """Before the rising edge: return whether a word is taken by it."""
        return self.is_valid and bool(self.ready.value)

    def retire(self):
        """After the rising edge that took the word."""
        self.valid.set(Immediate(0))
        self.is_valid = False


class Testbench:
    """The drivers and the monitor of one flow."""

    def __init__(self, dut, flow: Flow):
        self.dut = dut
        self.flow = flow
        self.random = random.Random(flow.seed).random
        names = ("jobs", "activations", "weights")
        self.sources = [Source(dut, name, getattr(flow.words, name)) for name in names]
        self.results = []
        self.half = Timer(1, unit="ns")

    async def run(self) -> Run:
        await self._reset()
        began, clocks, flow = time.process_time(), 0, self.flow
        while len(self.results) < flow.words.results and clocks < flow.clock_limit:
            await self._clock()
            clocks += 1
        return Run(self.results, clocks, time.process_time() - began)

    async def _reset(self):
        dut = self.dut
        for source in self.sources:
            source.valid.set(Immediate(0))
        dut.rst.set(Immediate(1))
        dut.results__ready.set(Immediate(0))
        for level in (0, 1, 0):
            dut.clk.set(Immediate(level))
            await self.half
        dut.rst.set(Immediate(0))

    async def _clock(self):
        """Give one rising edge."""
        dut, stalls = self.dut, self.flow.stalls
        for source in self.sources:
            source.offer(self.random() < stalls)
        ready = self.random() >= stalls
        dut.results__ready.set(Immediate(int(ready)))
        await self.half
        taken = [source for source in self.sources if source.look()]
        if ready and dut.results__valid.value:
            result = dut.results__payload.value
            self.results.append(result.to_unsigned() if result.is_resolvable else -1)
        dut.clk.set(Immediate(1))
        await self.half
        dut.clk.set(Immediate(0))
        for source in taken:
            source.retire()


@cocotb.test()
async def every_flow_goes_through(dut):
    await Timer(1, unit="ns")  # Icarus loses what is set at once before anything has run
    with (Path(os.environ["SIM_FOLDER"]) / "runs.jsonl").open("w") as file:
        for flow in read_flows():
            run = await Testbench(dut, flow).run()
            file.write(json.dumps(asdict(run)) + "\n")
