"""Faults of the logarithmic floating-point multipliers."""

from amaranth import Cat, Const

from mbm_hw.hdl.cores.float_log import FloatLogCore
from mbm_hw.multipliers import FloatMBM
from sim.faults.planting import planted

BF16, FP16 = FloatMBM(8, 7, force_lsb=True), FloatMBM(5, 10)


@planted(BF16, FloatMBM(8, 23))
class ExponentNotIncremented(FloatLogCore):
    def exponent(self, total, increment):
        return super().exponent(total, Const(0))


@planted(BF16)
class MantissaNotHalved(FloatLogCore):
    def mantissa(self, limited):
        return super().mantissa(Cat(limited[:-1], Const(0, 1)))


@planted(BF16, FloatMBM(8, 23, 15))
class LowestBitNotForced(FloatLogCore):
    def forced(self):
        return Const(0, 0)


@planted(FP16)
class CorrectionNotHalved(FloatLogCore):
    def corrections(self):
        without_carry, _ = super().corrections()
        return without_carry, without_carry
