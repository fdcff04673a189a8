"""What the floating-point multipliers share: exponents, signs and the special values.

Read it beside `reference.float_multiply`. Zeros, infinities and NaNs are found from the operands
alone, beside the mantissas' path, and put in at its end.
"""

from amaranth import Cat, Const, Module, Signal, Value
from amaranth.lib import data

from mbm_hw.hdl.cores.core import Core
from mbm_hw.hdl.registers import registered
from mbm_hw.multipliers import FloatSpec


class FloatCore(Core):
    """The product of two patterns; a subclass multiplies the significands.

    Parameters
    ----------
    spec : the multiplier.
    latency : register stages, 0 to 3: one holds the raw product of the significands, two the
        final one as well, three the operands too.

    Members
    -------
    a, b, product : In, In, Out(spec.width), patterns.
    en : In(1), the registers hold while it is 0. Not there if latency is 0.
    """

    def __init__(self, spec: FloatSpec, latency: int = 0):
        self.layout = data.StructLayout(
            {"mantissa": spec.mantissa_bits, "exponent": spec.exponent_bits, "sign": 1}
        )
        super().__init__(spec, latency)

    def elaborate(self, platform):
        m = Module()
        a, b = self.a, self.b
        if self.latency >= 3:
            a, b = registered(m, self.en, a, b)
        a, b = data.View(self.layout, a), data.View(self.layout, b)
        sign, is_nan, is_infinite, is_zero = self.special(m, a, b)
        raw = self.raw(m, a, b)
        if self.latency >= 1:
            sign, is_nan, is_infinite, is_zero, *raw = registered(
                m, self.en, sign, is_nan, is_infinite, is_zero, *raw
            )
        exponent, mantissa = self.normalised(m, *raw)
        if self.latency >= 2:
            sign, is_nan, is_infinite, is_zero, exponent, mantissa = registered(
                m, self.en, sign, is_nan, is_infinite, is_zero, exponent, mantissa
            )

        # exponent = field + 2**(exponent_bits - 1): its two highest bits tell most of what is out
        # of range, and the other of them is the field's highest.
        field = Cat(exponent[:-2], ~exponent[-2])
        infinite = Signal()
        keep = Signal()
        product = Signal(self.layout)
        quiet = Cat(Const(0, len(mantissa) - 1), is_nan)
        m.d.comb += [
            infinite.eq(is_infinite | self.overflows(exponent, field)),
            keep.eq(~(infinite | is_zero | self.underflows(exponent, field))),
            product.mantissa.eq(mantissa & keep.replicate(len(mantissa)) | quiet),
            product.exponent.eq(
                field & keep.replicate(len(field)) | infinite.replicate(len(field))
            ),
            product.sign.eq(sign & ~is_nan),
            self.product.eq(product),
        ]
        return m

    def special(self, m: Module, a: data.View, b: data.View) -> tuple[Signal, ...]:
        """Return the product's sign and whether the operands make it NaN, infinite, or zero.

        NaN counts as infinite too, and infinite goes before zero.
        """
        sign, is_nan, is_infinite, is_zero = (
            Signal(name=name) for name in ("sign", "is_nan", "is_infinite", "is_zero")
        )
        full_a, full_b = a.exponent.all(), b.exponent.all()
        m.d.comb += [
            sign.eq(a.sign ^ b.sign),
            is_zero.eq(self.is_zero(a) | self.is_zero(b)),
            is_infinite.eq(full_a | full_b),
            is_nan.eq(
                full_a & a.mantissa.any() | full_b & b.mantissa.any() | is_infinite & is_zero
            ),
        ]
        return sign, is_nan, is_infinite, is_zero

    def is_zero(self, operand: data.View) -> Value:
        """Return whether an operand is 0, as a subnormal one is."""
        return ~operand.exponent.any()

    def raw(self, m: Module, a: data.View, b: data.View) -> tuple[Signal, ...]:
        """Return what `normalised` makes the product's exponent and mantissa of."""
        raise NotImplementedError

    def normalised(self, m: Module, *raw: Signal) -> tuple[Signal, Signal]:
        """Return the product's exponent, plus 2**(exponent_bits - 1), and its mantissa.

        The exponent has one bit more than the field.
        """
        raise NotImplementedError

    def overflows(self, exponent: Value, field: Value) -> Value:
        """Return whether the exponent is above all fields of numbers."""
        return exponent[-1] & (exponent[-2] | field.all())

    def underflows(self, exponent: Value, field: Value) -> Value:
        """Return whether the exponent is below all fields of numbers, which 0 is not."""
        return ~exponent[-1] & (~exponent[-2] | ~field.any())


def sum_and_one(a: Value, b: Value, width: int) -> Value:
    """Return a + b + 1 modulo 2**width: a - ~b, one adder whose carry in is 1."""
    a, b = (Cat(operand, Const(0, width - len(operand))) for operand in (a, b))
    return (a - ~b)[:width]
