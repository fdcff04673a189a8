"""Planted faults: each is a wrong multiplier that co-simulation has to tell from the right one.

Those of the arithmetic override one step of the component; those of the pipeline change the text.
"""

from collections.abc import Callable
from dataclasses import dataclass

from amaranth import Const

from mbm_hw.hdl import Multiplier, to_verilog
from mbm_hw.hdl.designs import Design
from mbm_hw.hdl.log_core import LogCore
from mbm_hw.hdl.verilog import component_to_verilog
from mbm_hw.spec import MBM


@dataclass(frozen=True)
class Fault:
    """A fault: the design it claims to be, and a function that returns its Verilog."""

    design: Design
    verilog: Callable[[], str]


class CorrectionNotHalved(LogCore):
    def corrections(self):
        without_carry, _ = super().corrections()
        return without_carry, without_carry


class OverflowCornerDropped(LogCore):
    def is_overflow(self, characteristic, corrected):
        return Const(0)


class LowestBitNotForced(LogCore):
    def forced(self):
        return Const(0, 0)


class SmallProductCornerDropped(LogCore):
    def is_small(self, characteristic, carry):
        return Const(0)


class ZeroNotHandled(LogCore):
    def is_nonzero(self, nonzero_a, nonzero_b):
        return Const(1)


class SignLost(Multiplier):
    def sign(self, sign_a, sign_b):
        return Const(0)


def _core(spec: MBM, faulty_core: type[LogCore]) -> Fault:
    class FaultyMultiplier(Multiplier):
        def core(self, latency):
            return faulty_core(self.spec, latency)

    return _multiplier(spec, FaultyMultiplier)


def _multiplier(spec: MBM, faulty_multiplier: type[Multiplier]) -> Fault:
    name = spec.identifier
    return Fault(Design(spec), lambda: component_to_verilog(faulty_multiplier(spec), name))


def _text(design: Design, right: str, wrong: str) -> Fault:
    def verilog():
        text = to_verilog(design.spec, pipeline=design.pipeline)
        assert right in text, f"the Verilog of {design.name} no longer holds {right!r}"
        return text.replace(right, wrong)

    return Fault(design, verilog)


_PIPELINED = Design(MBM(8, signed=True), 2)

FAULTS = {
    "correction_not_halved": _core(MBM(8), CorrectionNotHalved),
    "correction_not_halved_16_bits": _core(MBM(16), CorrectionNotHalved),
    "overflow_corner_dropped": _core(MBM(8), OverflowCornerDropped),
    "overflow_corner_dropped_16_bits": _core(MBM(16), OverflowCornerDropped),
    "lowest_bit_not_forced": _core(MBM(8, truncation=2), LowestBitNotForced),
    "lowest_bit_not_forced_16_bits": _core(MBM(16, truncation=8), LowestBitNotForced),
    "small_product_corner_dropped": _core(MBM(8), SmallProductCornerDropped),
    "small_product_corner_dropped_16_bits": _core(MBM(16, signed=True), SmallProductCornerDropped),
    "zero_not_handled": _core(MBM(8), ZeroNotHandled),
    "zero_not_handled_16_bits": _core(MBM(16), ZeroNotHandled),
    "sign_lost": _multiplier(MBM(8, signed=True), SignLost),
    "sign_lost_16_bits": _multiplier(MBM(16, signed=True), SignLost),
    "stall_ignored_by_one_register": _text(_PIPELINED, "else if (en) sign_q", "else sign_q"),
    "reset_ignored_by_one_register": _text(
        _PIPELINED, "if (rst) core_mantissa_q <= 9'h000;\n    else if", "if"
    ),
    "reset_ignored_while_stalled": _text(_PIPELINED, "if (rst) product", "if (rst & en) product"),
    "reset_before_the_clock": _text(_PIPELINED, "@(posedge clk)", "@(posedge clk, posedge rst)"),
    "latency_too_long": Fault(_PIPELINED, lambda: to_verilog(_PIPELINED.spec, "mbm8s_p2", 3)),
    "latency_too_short": Fault(_PIPELINED, lambda: to_verilog(_PIPELINED.spec, "mbm8s_p2", 1)),
}
