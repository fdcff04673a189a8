"""The unsigned core of the logarithmic multipliers, Mitchell's and MBM; read it beside `reference`.

The structure is that of MBM's figure 3: two leading-one detectors, one adder for the logarithms, a
short adder for the correction and one barrel shifter.

Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018.
"""

from amaranth import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from mbm_hw.hdl.cores.log_steps import LogStepsCore
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.correction import halved, limited_sum
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import LogSpec


@core_of(LogSpec)
class LogCore(LogStepsCore):
    """The product of two magnitudes, each at most spec.magnitude_max.

    The steps are those of `reference`, by name; fractions hold the kept bits alone, in units of
    2**-kept_width. The 1 that small products get back is left to whoever adds next. A subclass may
    override a step, which is how faults are planted.

    Parameters
    ----------
    spec : the multiplier; that it is signed only says which magnitudes there are.
    latency : register stages, 0 to 3: one holds the corrected fraction, two the logarithms as well,
        three the product too.

    Members
    -------
    a, b : In(spec.width), the magnitudes.
    product : Out(spec.product_width - spec.signed), 0 if either magnitude is 0.
    small_product : Out(1), whether 1 is to be added to `product`, which changes no more than its
        `small_width` lowest bits. Not there if the spec has no small products.
    en : In(1), the registers hold while it is 0. Not there if latency is 0.
    """

    def __init__(self, spec: LogSpec, latency: int = 0):
        self.has_small = spec.small_characteristic >= 0
        super().__init__(spec, latency)

    def members(self) -> dict[str, wiring.Member]:
        return super().members() | ({"small_product": Out(1)} if self.has_small else {})

    def elaborate(self, platform):
        m = Module()
        log_a, nonzero_a = self.log2(m, "a", self.a)
        log_b, nonzero_b = self.log2(m, "b", self.b)
        nonzero = Signal()
        m.d.comb += nonzero.eq(self.is_nonzero(nonzero_a, nonzero_b))
        if self.latency >= 2:
            log_a, log_b, nonzero = registered(m, self.en, log_a, log_b, nonzero)

        fraction, carry, characteristic = self.sum_of_logs(m, log_a, log_b)
        correction = self.correction(m, log_a, log_b, carry)
        limited = Signal(self.kept_width + 1)
        is_small = Signal()
        m.d.comb += [
            limited.eq(self.limited(m, fraction, correction, characteristic)),
            is_small.eq(self.is_small(characteristic, carry) & nonzero),
        ]
        if self.latency >= 1:
            characteristic, limited, nonzero, is_small = registered(
                m, self.en, characteristic, limited, nonzero, is_small
            )

        shifted = Signal.like(self.product)
        mantissa = self.mantissa(limited)
        m.d.comb += shifted.eq(self.shifted(m, mantissa, characteristic, nonzero))
        if self.latency >= 3:
            shifted, is_small = registered(m, self.en, shifted, is_small)
        m.d.comb += self.product.eq(shifted)
        if self.has_small:
            m.d.comb += self.small_product.eq(is_small)
        return m

    @property
    def small_width(self) -> int:
        """How many of a small product's bits the 1 that is given back can change.

        With a carry Mitchell's product of two integers is a multiple of 4, to which the correction
        has added at most 2. Forced bits add nothing where they are worth 1/4 at most; above that
        no pair of operands changes more than 6 bits.
        """
        truncation = self.spec.truncation
        return 2 if not truncation or truncation <= self.spec.width - 10 else 6

    def sum_of_logs(self, m: Module, log_a: Value, log_b: Value) -> tuple[Signal, Signal, Signal]:
        """Return the sum's fraction, the carry out of that, and the characteristic with it.

        One adder for characteristics and fractions; the carry between them shows in the sum.
        """
        total = Signal(len(log_a) + 1)
        fraction = Signal(self.kept_width)
        characteristic = Signal(len(total) - self.kept_width)
        carry = Signal()
        m.d.comb += [
            total.eq(log_a + log_b),
            fraction.eq(total[: self.kept_width]),
            characteristic.eq(total[self.kept_width :]),
            carry.eq(log_a[self.kept_width] ^ log_b[self.kept_width] ^ characteristic[0]),
        ]
        return fraction, carry, characteristic

    def corrections(self) -> tuple[int, int]:
        """Return the constants added without and with a carry, in units of the kept fraction."""
        return tuple(correction >> self.spec.truncation for correction in self.spec.corrections)

    def correction(self, m: Module, log_a: Value, log_b: Value, carry: Value) -> tuple[Value, int]:
        """Return what is added to the fraction, and the bit of it at which that begins."""
        return halved(carry, self.corrections(), self.kept_width)

    def limited(
        self, m: Module, fraction: Value, correction: tuple[Value, int], characteristic: Value
    ) -> Value:
        """Return fraction + correction, or the fraction alone where that would overflow."""
        return limited_sum(
            m, fraction, *correction, lambda corrected: self.is_overflow(characteristic, corrected)
        )

    def is_overflow(self, characteristic: Value, corrected: Value) -> Value:
        """Return whether the corrected product would not fit; signed ones always do."""
        if self.spec.signed:
            return Const(0)
        return (characteristic == 2 * self.spec.width - 1) & corrected[-1]

    def mantissa(self, limited: Value) -> Value:
        """Return one + `limited`, which puts "01" or "10" in front."""
        return Cat(limited[:-1], ~limited[-1], limited[-1])

    def is_small(self, characteristic: Value, carry: Value) -> Value:
        """Return whether 1 is given back for the bits of the correction that the shift drops."""
        if not self.has_small:
            return Const(0)
        limit = self.spec.small_characteristic
        low, high = characteristic[: limit.bit_length()], characteristic[limit.bit_length() :]
        return carry & ~high.any() & (low <= limit)
