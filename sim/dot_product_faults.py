"""Planted faults of MACs and dot-product units, each in the design it claims to be."""

from amaranth import Const, Signal, signed

from mbm_hw.hdl.accumulation import Accumulation
from mbm_hw.hdl.dot_product import DotProduct
from mbm_hw.hdl.dot_product_verilog import PORT_ORDER, DotProductDesign
from mbm_hw.hdl.verilog import component_to_verilog
from mbm_hw.multipliers import MBM


class FlagNotSticky(Accumulation):
    def kept_overflow(self):
        return Const(0)


class FlagNotCleared(Accumulation):
    def kept_overflow(self):
        return self.overflow_before


class FirstIgnored(Accumulation):
    def kept_sum(self):
        return self.sum_before


class OverflowAtTheCarry(Accumulation):
    def leaves_range(self, total):
        return total[-1]


class CarryLost(DotProduct):
    def total(self, m, products):
        total = super().total(m, products)
        narrow = Signal(signed(len(total) - 1))
        m.d.comb += narrow.eq(total)
        return narrow


class LaneDropped(DotProduct):
    def total(self, m, products):
        return super().total(m, products[:-1])


def _with(faulty_accumulation: type[Accumulation]) -> type[DotProduct]:
    class FaultyDotProduct(DotProduct):
        def accumulation(self, addend_width):
            return faulty_accumulation(self.accumulator_width, addend_width, self.spec.signed)

    return FaultyDotProduct


DESIGN = DotProductDesign(MBM(8, signed=True), lanes=4, pipeline=2, accumulator_width=20)

TEXT_FAULTS = {
    "stall_ignored_by_the_accumulator": ("else if (en) sum <=", "else sum <="),
    "reset_ignored_by_the_tree": ("if (rst) addend <= 18'h00000;\n    else if", "if"),
    "reset_leaves_an_addend": ("if (rst) addend <= 18'h00000", "if (rst) addend <= 18'h00001"),
    "unit_reset_before_the_clock": ("@(posedge clk)", "@(posedge clk, posedge rst)"),
}
"""What of DESIGN's Verilog is replaced by what."""

DOT_PRODUCT_FAULTS = {
    "flag_not_sticky": _with(FlagNotSticky),
    "flag_not_cleared": _with(FlagNotCleared),
    "first_ignored": _with(FirstIgnored),
    "overflow_at_the_carry": _with(OverflowAtTheCarry),
    "carry_lost": CarryLost,
    "lane_dropped": LaneDropped,
    **dict.fromkeys(TEXT_FAULTS, DotProduct),
}
"""Components with the parameters of `DotProduct`, to be built for DESIGN."""


def faulty_verilog(name: str) -> str:
    """Return the Verilog of DESIGN with a fault of DOT_PRODUCT_FAULTS."""
    text = component_to_verilog(DOT_PRODUCT_FAULTS[name](*DESIGN), DESIGN.name, PORT_ORDER)
    right, wrong = TEXT_FAULTS.get(name, ("", ""))
    assert right in text, f"the Verilog of {DESIGN.name} no longer holds {right!r}"
    return text.replace(right, wrong) if right else text
