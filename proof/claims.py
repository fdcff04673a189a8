"""What is claimed of a design, each claim for all operands and from all states of the registers."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from mbm_hw.hdl.designs import Design
from mbm_hw.spec import IntegerSpec, LogSpec
from proof.model import Model
from proof.specification import specification, word, word_width


@dataclass(frozen=True)
class Claim:
    """A claim, as the solver gets it.

    assumed : SMT-LIB, what the claim is about. All that it asserts can be true at once, or the
        claim says nothing.
    negated : the term that can be true besides exactly if the claim is false.
    """

    name: str
    assumed: str
    negated: str


def claims(design: Design, model: Model) -> list[Claim]:
    """Return all that is claimed of a design.

    fits : the specification's product, of which nothing is cut, fits the product's width.
    corner : the specification leaves the correction out exactly where it would not fit.
    product : the Verilog's product is the specification's; if pipelined, after `pipeline` enabled
        clocks, whatever the registers held and whatever operands come behind.
    hold : a clock with en and rst at 0 changes no register.
    reset : a clock with rst at 1 clears all registers, whatever en is.
    cleared : the products after that are 0 until operands have passed.
    registered : between two clocks nothing changes the product.
    """
    found = [_fits(design.spec)]
    if isinstance(design.spec, LogSpec):
        found.append(_corner(design.spec))
    found.append(_product(design, model))
    if design.pipeline:
        found += [_hold(model), _reset(model), _cleared(design, model), _registered(model)]
    return found


def free_operands(spec: IntegerSpec) -> list[str]:
    """Return the declarations of operands that may be anything."""
    return [f"(declare-const {x} (_ BitVec {spec.width}))" for x in "ab"]


def unrolled(model: Model, clocks: int) -> list[str]:
    """Return the model, and states s0, s1 ... each a clock after the other, the first any state."""
    states = [f"s{state}" for state in range(clocks + 1)]
    return [
        model.text,
        *(f"(declare-const {state} |{model.name}_s|)" for state in states),
        *(f"(assert {model.clock(*pair)})" for pair in itertools.pairwise(states)),
    ]


def is_cleared(model: Model, state: str) -> str:
    """Return the term that is true if all registers are 0 in a state."""
    widths = model.registers.items()
    return _all(f"(= {model.register(name, state)} {word(0, width)})" for name, width in widths)


def _fits(spec: IntegerSpec) -> Claim:
    if isinstance(spec, LogSpec):
        pattern = f"((_ extract {spec.product_width - 1} 0) product)"
        too_large = f"(distinct {_extended(spec, pattern)} product)"
    else:
        too_large = f"({'bvsmulo' if spec.signed else 'bvumulo'} value_a value_b)"
    return _claim("fits", [*free_operands(spec), specification(spec)], too_large)


def _corner(spec: LogSpec) -> Claim:
    limit = word(1 << (spec.product_width - spec.signed), word_width(spec))
    negated = f"(distinct overflow (bvuge (power corrected) {limit}))"
    return _claim("corner", [*free_operands(spec), specification(spec)], negated)


def _product(design: Design, model: Model) -> Claim:
    spec, latency = design.spec, design.pipeline
    product = _extended(spec, model.port("product", f"s{latency}"))
    lines = [
        *unrolled(model, latency),
        *_enabled(model, latency),
        *(f"(define-fun {x} () (_ BitVec {spec.width}) {model.port(x, 's0')})" for x in "ab"),
        specification(spec),
    ]
    return _claim("product", lines, f"(distinct {product} product)")


def _hold(model: Model) -> Claim:
    lines = [*unrolled(model, 1), *_inputs(model, "s0", rst=0, en=0)]
    return _claim("hold", lines, f"(not {_same_registers(model)})")


def _reset(model: Model) -> Claim:
    lines = [*unrolled(model, 1), *_inputs(model, "s0", rst=1)]
    return _claim("reset", lines, f"(not {is_cleared(model, 's1')})")


def _cleared(design: Design, model: Model) -> Claim:
    latency, zero = design.pipeline, word(0, design.spec.product_width)
    lines = [
        *unrolled(model, latency - 1),
        f"(assert {is_cleared(model, 's0')})",
        *_enabled(model, latency - 1),
    ]
    zeros = (f"(= {model.port('product', f's{state}')} {zero})" for state in range(latency))
    return _claim("cleared", lines, f"(not {_all(zeros)})")


def _registered(model: Model) -> Claim:
    lines = [
        model.text,
        *(f"(declare-const {state} |{model.name}_s|)" for state in ("s0", "s1")),
        f"(assert {_same_registers(model)})",
    ]
    products = (model.port("product", state) for state in ("s0", "s1"))
    return _claim("registered", lines, f"(distinct {' '.join(products)})")


def _claim(name: str, lines: Iterable[str], negated: str) -> Claim:
    return Claim(name, "\n".join(lines), negated)


def _extended(spec: IntegerSpec, pattern: str) -> str:
    """Return a product's pattern as a Word of the same value."""
    extra = word_width(spec) - spec.product_width
    return f"((_ {'sign' if spec.signed else 'zero'}_extend {extra}) {pattern})"


def _enabled(model: Model, clocks: int) -> list[str]:
    states = (f"s{state}" for state in range(clocks))
    return [line for state in states for line in _inputs(model, state, rst=0, en=1)]


def _inputs(model: Model, state: str, **values: int) -> list[str]:
    return [f"(assert (= {model.port(port, state)} #b{bit}))" for port, bit in values.items()]


def _same_registers(model: Model) -> str:
    terms = ([model.register(name, state) for state in ("s0", "s1")] for name in model.registers)
    return _all(f"(= {' '.join(pair)})" for pair in terms)


def _all(terms: Iterable[str]) -> str:
    return f"(and {' '.join(['true', *terms])})"
