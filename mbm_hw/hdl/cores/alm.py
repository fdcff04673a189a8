"""The core of ALM-SOA and ALM-LOA: Mitchell's, with an adder whose low bits are approximate."""

from amaranth import Cat, Const, Signal, Value

from mbm_hw.hdl.cores.log_steps import LogStepsCore


class ApproximateAdderCore(LogStepsCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def total(self, m, log_a, log_b):
        lower_width = self.spec.m
        carry_in = self.carry_in(log_a[lower_width - 1], log_b[lower_width - 1])
        # The lowest position of the adder makes the carry-in: no third operand.
        upper = Signal(len(log_a) - lower_width + 2)
        addends = (Cat(carry_in, log_a[lower_width:]), Cat(Const(1, 1), log_b[lower_width:]))
        m.d.comb += upper.eq(addends[0] + addends[1])
        return Cat(self.lower(log_a[:lower_width], log_b[:lower_width]), upper[1:])

    def carry_in(self, highest_a: Value, highest_b: Value) -> Value:
        """Return the carry into the upper part, of the highest bits of the lower ones."""
        return highest_a & highest_b

    def lower(self, lower_a: Value, lower_b: Value) -> Value:
        """Return the low m bits of the sum."""
        raise NotImplementedError
