"""The core of REALM: Mitchell's, with a constant by the fractions' segments in place of one.

Ref: H. Saadat et al., REALM, DATE 2020.
"""

from amaranth import Array, Cat, Const, Module, Mux, Signal, Value

from mbm_hw.hdl.cores.log import LogCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.multipliers import REALM


@core_of(REALM)
class REALMCore(LogCore):
    """The product of two magnitudes; parameters and members are LogCore's."""

    @property
    def small_width(self) -> int:
        """As LogCore's: a small product is below 2**6, also with the 1 that is given back."""
        return self.spec.small_characteristic + 1

    def correction(self, m, log_a, log_b, carry):
        factor = self.factor(m, self.segment(log_a), self.segment(log_b))
        halved = Signal(len(factor) + 1)
        m.d.comb += halved.eq(self.halved(carry, factor))
        # The lowest bit of a halved factor, in the kept fraction; below it nothing is added.
        lowest = self.kept_width - self.spec.factor_bits - 1
        return halved[max(-lowest, 0) :], max(lowest, 0)

    def segment(self, log: Value) -> Value:
        """Return the number of the segment that a logarithm's fraction is in."""
        return log[self.kept_width - self.spec.segment_bits : self.kept_width]

    def factor(self, m: Module, segment_a: Value, segment_b: Value) -> Signal:
        """Return the factor of two segments, in units of 2**-factor_bits."""
        factors = self.spec.factors
        factor = Signal(range(int(factors.max()) + 1))
        table = Array(Const(int(value), len(factor)) for value in factors.ravel())
        m.d.comb += factor.eq(table[Cat(segment_b, segment_a)])
        return factor

    def halved(self, carry: Value, factor: Value) -> Value:
        """Return twice the factor, or the factor where the sum of the fractions carries."""
        return Mux(carry, factor, Cat(Const(0, 1), factor))
