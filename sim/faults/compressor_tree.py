"""Faults of the compressor trees."""

from amaranth import Const

from mbm_hw.hdl.cores.compressor_tree import CompressorTreeCore
from mbm_hw.multipliers import CompressorTree
from sim.faults.planting import planted

MOMENI = CompressorTree(cells="momeni", column=8)
VENKATACHALAM = CompressorTree(cells="venkatachalam", column=8, signed=True)


@planted(MOMENI, VENKATACHALAM)
class InputsExchanged(CompressorTreeCore):
    def cell(self, bits):
        return super().cell(bits if len(bits) < 4 else [bits[0], bits[2], bits[1], bits[3]])


@planted(MOMENI, VENKATACHALAM)
class CarryOfThreeLost(CompressorTreeCore):
    def cell(self, bits):
        total, carry = super().cell(bits)
        return total, Const(0, 1) if len(bits) == 3 else carry
