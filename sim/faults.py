"""Planted faults: each is a wrong multiplier that co-simulation has to tell from the right one.

Those of the arithmetic override one step of the component; those of the pipeline change the text.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from amaranth import Cat, Const, Signal

from mbm_hw.hdl import Multiplier, to_verilog
from mbm_hw.hdl.cores.float_core import FloatCore
from mbm_hw.hdl.cores.float_exact import FloatExactCore
from mbm_hw.hdl.cores.float_log import FloatLogCore
from mbm_hw.hdl.cores.log import LogCore
from mbm_hw.hdl.designs import Design
from mbm_hw.hdl.verilog import component_to_verilog, design_to_verilog
from mbm_hw.multipliers import MBM, FloatExact, FloatMBM, FloatMitchell, Spec, Table


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


class NanLost(FloatCore):
    def special(self, m, a, b):
        sign, _, is_infinite, is_zero = super().special(m, a, b)
        return sign, Signal(name="is_nan"), is_infinite, is_zero


class InfinityLost(FloatCore):
    def special(self, m, a, b):
        sign, is_nan, _, is_zero = super().special(m, a, b)
        return sign, is_nan, Signal(name="is_infinite"), is_zero


class SubnormalNotFlushed(FloatCore):
    def is_zero(self, operand):
        return super().is_zero(operand) & ~operand.mantissa.any()


class OverflowNotInfinite(FloatCore):
    def overflows(self, exponent, field):
        return Const(0)


class UnderflowNotZero(FloatCore):
    def underflows(self, exponent, field):
        return Const(0)


class ExponentNotIncremented(FloatLogCore):
    def exponent(self, total, increment):
        return super().exponent(total, Const(0))


class MantissaNotHalved(FloatLogCore):
    def mantissa(self, limited):
        return super().mantissa(Cat(limited[:-1], Const(0, 1)))


class FloatLowestBitNotForced(FloatLogCore):
    def forced(self):
        return Const(0, 0)


class TieRoundedUp(FloatExactCore):
    def rounds_up(self, half, rest, lowest):
        return half


class FloatCorrectionNotHalved(FloatLogCore):
    def corrections(self):
        without_carry, _ = super().corrections()
        return without_carry, without_carry


class NotRounded(FloatExactCore):
    def rounds_up(self, half, rest, lowest):
        return Const(0)


class SignLost(Multiplier):
    def sign(self, sign_a, sign_b):
        return Const(0)


def _core(spec: Spec, faulty_step: type) -> Fault:
    """Return the fault of the multiplier whose core has the faulty step."""

    class FaultyMultiplier(Multiplier):
        def core(self, latency):
            right_core = type(super().core(latency))
            return type("FaultyCore", (faulty_step, right_core), {})(self.spec, latency)

    return _multiplier(spec, FaultyMultiplier)


def _multiplier(spec: Spec, faulty_multiplier: type[Multiplier]) -> Fault:
    name = spec.identifier
    return Fault(Design(spec), lambda: component_to_verilog(faulty_multiplier(spec), name))


def _text(design: Design, right: str, wrong: str) -> Fault:
    def verilog():
        text = design_to_verilog(design)
        assert right in text, f"the Verilog of {design.name} no longer holds {right!r}"
        return text.replace(right, wrong)

    return Fault(design, verilog)


_PIPELINED = Design(MBM(8, signed=True), 2)
_STREAM = Design(MBM(8, signed=True), 2, stream=True)
_TABLE = Design(Table(np.arange(256).reshape(16, 16)))
_BF16, _FP16 = FloatMBM(8, 7, force_lsb=True), FloatMBM(5, 10)

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
    "nan_lost": _core(_BF16, NanLost),
    "nan_lost_fp16": _core(FloatExact(5, 10), NanLost),
    "infinity_lost": _core(_BF16, InfinityLost),
    "infinity_lost_8_bits": _core(FloatExact(5, 2), InfinityLost),
    "subnormal_not_flushed": _core(FloatMitchell(8, 23), SubnormalNotFlushed),
    "subnormal_not_flushed_8_bits": _core(FloatMitchell(4, 3), SubnormalNotFlushed),
    "overflow_not_infinite": _core(_FP16, OverflowNotInfinite),
    "overflow_not_infinite_fp32": _core(FloatExact(8, 23), OverflowNotInfinite),
    "underflow_not_zero": _core(_FP16, UnderflowNotZero),
    "underflow_not_zero_fp32": _core(FloatExact(8, 23), UnderflowNotZero),
    "exponent_not_incremented": _core(_BF16, ExponentNotIncremented),
    "exponent_not_incremented_fp32": _core(FloatMBM(8, 23), ExponentNotIncremented),
    "mantissa_not_halved": _core(_BF16, MantissaNotHalved),
    "float_lowest_bit_not_forced": _core(_BF16, FloatLowestBitNotForced),
    "float_lowest_bit_not_forced_fp32": _core(FloatMBM(8, 23, 15), FloatLowestBitNotForced),
    "float_correction_not_halved": _core(_FP16, FloatCorrectionNotHalved),
    "tie_rounded_up": _core(FloatExact(8, 7), TieRoundedUp),
    "tie_rounded_up_fp32": _core(FloatExact(8, 23), TieRoundedUp),
    "not_rounded": _core(FloatExact(4, 3), NotRounded),
    "table_entry_wrong": _text(_TABLE, "core_products[37] = 8'h25", "core_products[37] = 8'h24"),
    "table_transposed": _text(_TABLE, "core_products[{ a, b }]", "core_products[{ b, a }]"),
    "beat_lost_in_the_buffer": _text(_STREAM, "streams_is_held <= 1'h1", "streams_is_held <= 0"),
    "beat_lost_by_a_stall": _text(
        _STREAM, "else if (streams_en) product_valid <=", "else product_valid <="
    ),
    "beat_repeated": _text(
        _STREAM,
        "streams_valid = operands_valid |",
        "streams_valid = product_valid | operands_valid |",
    ),
    "beat_kept_by_a_reset": _text(_STREAM, "if (rst) product_valid <= 1'h0;\n    else if", "if"),
    "product_valid_after_a_reset": _text(
        _STREAM, "if (rst) product_valid <= 1'h0", "if (rst) product_valid <= 1'h1"
    ),
    "buffer_read_without_its_lowest_bit": _text(
        _STREAM, "? streams_held[7:0] :", "? {streams_held[7:1], 1'h0} :"
    ),
    "stream_reset_before_the_clock": _text(
        _STREAM, "@(posedge clk)\n    if (rst)", "@(posedge clk, posedge rst)\n    if (rst)"
    ),
    "valid_reset_before_the_clock": _text(
        _STREAM,
        "@(posedge clk)\n    if (rst) product_valid",
        "@(posedge clk, posedge rst)\n    if (rst) product_valid",
    ),
    "ready_follows_the_products_ready": _text(
        _STREAM, "operands_ready = ~ streams_is_held", "operands_ready = streams_en"
    ),
    "a_bubble_each_other_clock": _text(
        _STREAM, "streams_en = product_ready | ", "streams_en = product_ready & ~product[0] | "
    ),
    "stall_ignored_by_one_register": _text(_PIPELINED, "else if (en) sign_q", "else sign_q"),
    "reset_ignored_by_one_register": _text(
        _PIPELINED, "if (rst) core_nonzero_q <= 1'h0;\n    else if", "if"
    ),
    "reset_ignored_while_stalled": _text(_PIPELINED, "if (rst) product", "if (rst & en) product"),
    "reset_before_the_clock": _text(_PIPELINED, "@(posedge clk)", "@(posedge clk, posedge rst)"),
    "latency_too_long": Fault(_PIPELINED, lambda: to_verilog(_PIPELINED.spec, "mbm8s_p2", 3)),
    "latency_too_short": Fault(_PIPELINED, lambda: to_verilog(_PIPELINED.spec, "mbm8s_p2", 1)),
}
