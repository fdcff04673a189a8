"""The core of ALM-SOA and ALM-LOA: Mitchell's, with an adder whose low bits are approximate."""

from amaranth import Cat, Signal, Value

from mbm_hw.hdl.cores.log_steps import LogStepsCore


class ApproximateAdderCore(LogStepsCore):
    """The product of two magnitudes; parameters and members are Core's."""

    def total(self, m, log_a, log_b):
        split = self.spec.m - (self.kept_width - self.log_width)
        upper = Signal(len(log_a) - split + 1)
        carry_in = self.carry_in(log_a[split - 1], log_b[split - 1])
        m.d.comb += upper.eq(log_a[split:] + log_b[split:] + carry_in)
        return Cat(self.lower(log_a[:split], log_b[:split]), upper)

    def carry_in(self, highest_a: Value, highest_b: Value) -> Value:
        """Return the carry into the upper part, of the highest bits of the lower ones."""
        return highest_a & highest_b

    def lower(self, lower_a: Value, lower_b: Value) -> Value:
        """Return the low bits of the sum, without `appended`."""
        raise NotImplementedError
