"""Faults of LMul."""

from amaranth import Const

from mbm_hw.hdl.cores.float_lmul import FloatLMulCore
from mbm_hw.multipliers import FloatLMul
from sim.faults.planting import planted

BF16 = FloatLMul(exponent_bits=8, mantissa_bits=7)


@planted(BF16, FloatLMul(exponent_bits=5, mantissa_bits=10))
class OffsetHalved(FloatLMulCore):
    def offset(self):
        return super().offset() // 2


@planted(BF16)
class ExponentNotIncremented(FloatLMulCore):
    def exponent(self, total, increment):
        return super().exponent(total, Const(0))


@planted(BF16)
class BelowZeroNotFlushed(FloatLMulCore):
    def vanishes(self, carries_twice, exponent):
        return Const(0)
