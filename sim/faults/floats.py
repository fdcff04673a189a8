"""Faults of all floating-point multipliers: special values, and the exponent's ends."""

from amaranth import Const, Signal

from mbm_hw.hdl.cores.float_core import FloatCore
from mbm_hw.multipliers import FloatExact, FloatMBM, FloatMitchell
from sim.faults.planting import planted

BF16, FP16 = FloatMBM(8, 7, force_lsb=True), FloatMBM(5, 10)


@planted(BF16, FloatExact(5, 10))
class NanLost(FloatCore):
    def special(self, m, a, b):
        sign, _, is_infinite, is_zero = super().special(m, a, b)
        return sign, Signal(name="is_nan"), is_infinite, is_zero


@planted(BF16, FloatExact(5, 2))
class InfinityLost(FloatCore):
    def special(self, m, a, b):
        sign, is_nan, _, is_zero = super().special(m, a, b)
        return sign, is_nan, Signal(name="is_infinite"), is_zero


@planted(FloatMitchell(8, 23), FloatMitchell(4, 3))
class SubnormalNotFlushed(FloatCore):
    def is_zero(self, operand):
        return super().is_zero(operand) & ~operand.mantissa.any()


@planted(FP16, FloatExact(8, 23))
class OverflowNotInfinite(FloatCore):
    def overflows(self, exponent, field):
        return Const(0)


@planted(FP16, FloatExact(8, 23))
class UnderflowNotZero(FloatCore):
    def underflows(self, exponent, field):
        return Const(0)
