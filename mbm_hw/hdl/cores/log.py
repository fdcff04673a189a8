"""The unsigned core of the logarithmic multipliers, Mitchell's and MBM; read it beside `reference`.

The structure is that of MBM's figure 3: two leading-one detectors, one adder for the logarithms, a
short adder for the correction and one barrel shifter.

Ref: J. N. Mitchell, IRE Trans. Electron. Comput. EC-11(4), 1962.
Ref: H. Saadat, H. Bokhari, S. Parameswaran, IEEE Trans. CAD 37(11), 2018.
"""

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.correction import halved, limited_sum
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import LogSpec


@core_of(LogSpec)
class LogCore(Core):
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
        self.kept_width = spec.fraction_width - spec.truncation
        self.has_small = spec.small_characteristic >= 0
        self.magnitude_width = spec.product_width - spec.signed
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

    def log2(self, m: Module, name: str, x: Value) -> tuple[Signal, Signal]:
        """Return Mitchell's log2 of `x`, fraction below characteristic, and whether x is not 0."""
        forced = self.forced()
        m.submodules[f"leading_one_{name}"] = leading_one = LeadingOne(
            self.spec.width, self.kept_width - len(forced)
        )
        characteristic = Signal.like(leading_one.position, name=f"characteristic_{name}")
        fraction = Signal(self.kept_width, name=f"fraction_{name}")
        nonzero = Signal(name=f"nonzero_{name}")
        log = Signal(len(fraction) + len(characteristic), name=f"log_{name}")
        m.d.comb += [
            leading_one.x.eq(x),
            characteristic.eq(leading_one.position),
            fraction.eq(Cat(forced, leading_one.tail)),
            nonzero.eq(leading_one.valid),
            log.eq(Cat(fraction, characteristic)),
        ]
        return log, nonzero

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

    def forced(self) -> Const:
        """Return the fraction's bits that are set whatever the operand: one, if truncated."""
        return Const(1, 1 if self.spec.truncation else 0)

    def is_nonzero(self, nonzero_a: Value, nonzero_b: Value) -> Value:
        return nonzero_a & nonzero_b

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

    def shifted(self, m: Module, mantissa: Value, characteristic: Value, nonzero: Value) -> Value:
        """Return floor(mantissa * 2**(characteristic - kept_width)), or 0 for a zero operand.

        The small shifts come first: that takes the fewest multiplexers, and the sum's lowest bits
        are the first to come. The first one selects by ands, which take the gate for zeros too.
        """
        moves = Signal()
        holds = Signal()
        m.d.comb += [
            moves.eq(characteristic[0] & nonzero),
            holds.eq(~characteristic[0] & nonzero),
        ]
        high = self.kept_width + self.magnitude_width  # one above the highest bit of the product
        bits, base = mantissa, 0  # bits[0] has the index base
        for stage, shift in enumerate(characteristic):
            span = 1 << stage
            later_shifts = (1 << len(characteristic)) - 2 * span
            next_base = max(self.kept_width - later_shifts, 0)
            top = min(base + len(bits) + span, high)
            held = bits[max(next_base - base, 0) :]
            moved = Cat(Const(0, span), bits)[next_base - base : top - base]
            if stage:
                selected = Mux(shift, moved, held)
            else:
                selected = _gated(moved, moves) | _gated(held, holds)
            bits = Signal(top - next_base, name=f"shifted_{span}")
            m.d.comb += bits.eq(selected)
            base = next_base
        return bits


def _gated(value: Value, gate: Value) -> Value:
    """Return `value` where the bit `gate` is 1, else 0."""
    return value & gate.replicate(len(value))
