"""The product tables that stand in for a component: of families that have none."""

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import data, memory

from mbm_hw.hdl.cores.float_core import FloatCore, sum_and_one
from mbm_hw.hdl.cores.registry import core_of
from mbm_hw.hdl.product_table import ProductTable
from mbm_hw.multipliers import FloatSpec, IntegerSpec, Spec, mantissa_table

MAX_WIDTH = 8
"""Bits of an operand, or of a mantissa, to which a table stands in."""


def _check(spec: Spec, bits: int, what: str):
    if bits > MAX_WIDTH:
        kind = type(spec).__name__
        raise ValueError(
            f"{spec.identifier} has no component (a Core with @core_of({kind})), and a product "
            f"table stands in to {MAX_WIDTH} {what} only, not {bits}"
        )


@core_of(IntegerSpec)
class StandIn(ProductTable):
    """All products of an integer spec, by its operands' patterns."""

    remark = "No component of this family is known: its product table stands in."

    @classmethod
    def check(cls, spec: IntegerSpec):
        _check(spec, spec.width, "bits")


@core_of(FloatSpec)
class FloatStandIn(FloatCore):
    """All products of a float spec's significands, by its operands' mantissas."""

    remark = "No component of this family is known: its mantissa table stands in."

    @classmethod
    def check(cls, spec: FloatSpec):
        _check(spec, spec.mantissa_bits, "mantissa bits")

    def raw(self, m: Module, a: data.View, b: data.View) -> tuple[Signal, ...]:
        products = mantissa_table(self.spec)
        m.submodules.mantissas = mantissas = memory.Memory(
            shape=self.spec.mantissa_bits + 1, depth=products.size, init=products.ravel().tolist()
        )
        port = mantissas.read_port(domain="comb")
        significand = Signal(self.spec.mantissa_bits + 1)
        exponent = Signal(self.spec.exponent_bits + 1)
        m.d.comb += [
            port.addr.eq(Cat(b.mantissa, a.mantissa)),
            significand.eq(port.data),
            exponent.eq(sum_and_one(a.exponent, b.exponent, len(exponent))),
        ]
        return significand, exponent

    def normalised(self, m: Module, significand: Value, exponent: Value) -> tuple[Signal, Signal]:
        normalised_exponent = Signal.like(exponent)
        mantissa = Signal(self.spec.mantissa_bits)
        m.d.comb += [
            normalised_exponent.eq(exponent + significand[-1]),
            mantissa.eq(significand[:-1]),
        ]
        return normalised_exponent, mantissa
