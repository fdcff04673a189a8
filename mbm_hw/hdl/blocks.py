"""The logarithmic multipliers' blocks, each by itself: to see what each of them costs."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from amaranth import Cat, Const, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from mbm_hw.hdl.cores import core_kind
from mbm_hw.hdl.cores.log import LogCore
from mbm_hw.hdl.correction import halved
from mbm_hw.hdl.leading_one import LeadingOne
from mbm_hw.hdl.negation import negated_if
from mbm_hw.hdl.verilog import component_to_verilog
from mbm_hw.multipliers import LogSpec, Spec

LEADING_ONE = "leading one"
SUM = "sum of logarithms"
CORRECTION = "correction"
ANTILOGARITHM = "antilogarithm"
SMALL_PRODUCTS = "small products"
SIGNS = "signs"


class Block(NamedTuple):
    """A block as Verilog, the module `block`, and how often the multiplier has it."""

    verilog: str
    count: int = 1


def blocks(spec: Spec) -> dict[str, Block]:
    """Return the blocks of the combinational multiplier by name, in the order of the dataflow.

    A multiplier whose core is another than LogCore has none. The blocks are the steps of LogCore
    and Multiplier between ports of their own: LEADING_ONE (detector and normalising shifter of an
    operand), SUM, CORRECTION (with the overflow corner), ANTILOGARITHM (the shifter, with the gate
    for zeros), SMALL_PRODUCTS (which they are, and of unsigned ones the 1 that is given back),
    SIGNS (taken off and put on, with that 1).
    """
    if core_kind(spec) is not LogCore:
        return {}
    width, kept = spec.width, spec.fraction_width - spec.truncation
    tail = kept - (spec.truncation > 0)
    position = (width - 1).bit_length()
    magnitude = spec.product_width - spec.signed
    sums = {"carry": 1, "characteristic": position + 1}
    found = {LEADING_ONE: _block(LeadingOne(width, tail), ("x", "valid", "position", "tail"), 2)}

    def add(name: str, inputs: Mapping[str, int], output_width: int, step: Callable):
        component = _Step(spec, inputs, output_width, step)
        found[name] = _block(component, (*inputs, "out"))

    add(SUM, {"a": tail + position, "b": tail + position}, kept + position + 2, _sum)
    is_corrected = any(correction >> spec.truncation for correction in spec.corrections)
    if is_corrected:
        add(CORRECTION, {"fraction": kept} | sums, kept + 1, _correction)
    shifted = {"corrected": kept + is_corrected, "characteristic": position + 1}
    add(ANTILOGARITHM, shifted | {"nonzero_a": 1, "nonzero_b": 1}, magnitude, _antilogarithm)
    if spec.small_characteristic >= 0:
        product = {} if spec.signed else {"product": spec.product_width}
        inputs = sums | {"nonzero": 1} | product
        add(SMALL_PRODUCTS, inputs, product.get("product", 1), _small)
    if spec.signed:
        operands = {"a": width, "b": width, "magnitude": magnitude}
        add(SIGNS, operands | {"small_product": 1}, 2 * width + spec.product_width, _signs)
    return found


class _Step(LogCore):
    """A step, `step(core, m, *inputs)`, between ports."""

    def __init__(self, spec: LogSpec, inputs: Mapping[str, int], output_width: int, step: Callable):
        self.inputs, self.output_width, self.step = inputs, output_width, step
        super().__init__(spec)

    def members(self) -> dict[str, wiring.Member]:
        return {name: In(w) for name, w in self.inputs.items()} | {"out": Out(self.output_width)}

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.out.eq(self.step(self, m, *(getattr(self, name) for name in self.inputs)))
        return m


def _sum(core: LogCore, m: Module, a: Value, b: Value) -> Value:
    return Cat(*core.sum_of_logs(m, Cat(core.forced(), a), Cat(core.forced(), b)))


def _correction(core, m, fraction, carry, characteristic) -> Value:
    correction = halved(carry, core.corrections(), core.kept_width)
    return core.limited(m, fraction, correction, characteristic)


def _antilogarithm(core, m, corrected, characteristic, nonzero_a, nonzero_b) -> Value:
    nonzero = core.is_nonzero(nonzero_a, nonzero_b)
    return core.shifted(
        m, core.mantissa(corrected | Const(0, core.kept_width + 1)), characteristic, nonzero
    )


def _small(core, m, carry, characteristic, nonzero, product=None) -> Value:
    is_small = core.is_small(characteristic, carry) & nonzero
    if product is None:
        return is_small
    low = product[: core.small_width] + is_small
    return Cat(low[: core.small_width], product[core.small_width :])


def _signs(core, m, a, b, magnitude, small_product) -> Value:
    increment = (small_product, core.small_width) if core.has_small else ()
    return Cat(
        negated_if(m, a[-1], a, "magnitude_a"),
        negated_if(m, b[-1], b, "magnitude_b"),
        negated_if(m, a[-1] ^ b[-1], Cat(magnitude, 0), "signed", *increment),
    )


def _block(component: wiring.Component, ports: Sequence[str], count: int = 1) -> Block:
    return Block(component_to_verilog(component, "block", ports), count)
