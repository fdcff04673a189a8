"""Drives the inputs of a clocked design inside the simulator."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Timer


class Driver:
    """Gives a DUT its inputs and a clock that rises 1 ns after it falls."""

    def __init__(self, dut):
        self._dut = dut
        self._written = {}

    async def start_clock(self):
        clk = self._dut.clk
        clk.value = 0
        await Timer(1, unit="ns")  # from the unknown to 0 is a falling edge too
        cocotb.start_soon(Clock(clk, 2, unit="ns").start(start_high=False))

    def drive(self, **inputs: int):
        """Give the named inputs their values; those that have them are not written again."""
        for port, value in inputs.items():
            if self._written.get(port) != value:
                getattr(self._dut, port).value = self._written[port] = value
