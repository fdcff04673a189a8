"""What is claimed of a MAC or dot-product unit: of each lane, and of the sum over the lanes.

A lane is isolated by operands of 0 in all others, whose products are known and taken off (they are
0, but for some tables). The sum is then compared with the sum of what the
isolated lanes give, whatever that is: the solver meets the multipliers in one claim and the adders
in another, never both in one, and so 16 lanes take little longer than one.
"""

from collections.abc import Iterable

from mbm_hw.hdl.dot_product_verilog import DotProductDesign
from mbm_hw.multipliers import multiply
from proof.claims import (
    ENABLED,
    Claim,
    all_of,
    clocked_claims,
    fitting_claims,
    state,
    unrolled,
)
from proof.model import Model
from proof.specification import specification, word_width
from proof.terms import word

INPUTS = ("a", "b", "first")


def dot_product_claims(design: DotProductDesign, model: Model) -> list[Claim]:
    """Return all that is claimed of a unit, whatever its registers hold.

    laneI : a first pair of operands in this lane and 0 in the others give, `pipeline` + 1 enabled
        clocks later, the specification's product as the sum, but for the others' products.
    sum : any operands give, then, the sum of what each lane alone would give and, unless they are
        a sum's first, of the sum before: modulo 2**accumulator_width. The flag is 1 if that leaves
        the accumulator's range, or if it was 1 before and they are not a sum's first.
    cleared : after a reset sum and flag are 0 until operands have passed.
    fits, corner, hold, reset, registered : see `claims`.
    With `cleared` and `sum` the flag is right after any number of additions, by induction.
    """
    lanes = [_lane(design, model, lane) for lane in range(design.lanes)]
    sums = [_sum(design, model), _cleared(design, model)]
    return [*fitting_claims(design.spec), *lanes, *sums, *clocked_claims(model)]


def _lane(design: DotProductDesign, model: Model, lane: int) -> Claim:
    spec, width = design.spec, design.spec.width
    low, bits = width * lane, max(design.accumulator_width, word_width(spec))
    lines = [*_declarations(design, model), *_isolated(design, model, lane)]
    for x in "ab":
        operand = f"((_ extract {low + width - 1} {low}) {x}_0)"
        lines.append(f"(define-fun {x} () (_ BitVec {width}) {operand})")
    lines.append(specification(spec))
    total = _alone(design, model, lane, bits)
    product = extended(design, "product", bits, word_width(spec))
    return Claim(f"lane{lane}", "\n".join(lines), f"(distinct {total} {product})")


def _sum(design: DotProductDesign, model: Model) -> Claim:
    bits = design.accumulator_width + 1
    lines = [*_declarations(design, model), *_clocks(design, model, "all", "a_0", "b_0", "first_0")]
    for lane in range(design.lanes):
        lines += _isolated(design, model, lane)
    before, flag_before = (model.port(p, f"all_{design.pipeline}") for p in ("sum", "overflow"))
    alone = [_alone(design, model, lane, bits) for lane in range(design.lanes)]
    kept = f"(ite (= first_0 #b1) {word(0, bits)} {extended(design, before, bits)})"
    wrapped = f"((_ extract {bits - 2} 0) exact)"
    lines += [
        f"(define-fun exact () (_ BitVec {bits}) (bvadd {kept} {_tree(alone)}))",
        f"(define-fun leaves () Bool (distinct exact {extended(design, wrapped, bits)}))",
        f"(define-fun sticks () Bool (and (= first_0 #b0) (= {flag_before} #b1)))",
    ]
    total, flag = (_after(design, model, "all", port) for port in ("sum", "overflow"))
    negated = f"(or (distinct {total} {wrapped}) (distinct (= {flag} #b1) (or leaves sticks)))"
    return Claim("sum", "\n".join(lines), negated)


def _cleared(design: DotProductDesign, model: Model) -> Claim:
    lines = unrolled(model, [*[ENABLED] * design.pipeline, {}], model.cleared)
    ports = ("sum", design.accumulator_width), ("overflow", 1)
    zeros = (
        f"(= {model.port(port, f's{state}')} {word(0, width)})"
        for state in range(design.pipeline + 1)
        for port, width in ports
    )
    return Claim("cleared", "\n".join(lines), f"(not {all_of(zeros)})")


def _declarations(design: DotProductDesign, model: Model) -> Iterable[str]:
    """Return the model, registers that hold anything, and the inputs at each clock."""
    yield model.text
    yield f"(declare-const start |{model.name}_s|)"
    for clock in range(design.pipeline + 2):
        yield from (
            f"(declare-const {port}_{clock} (_ BitVec {model.inputs[port]}))" for port in INPUTS
        )


def _isolated(design: DotProductDesign, model: Model, lane: int) -> Iterable[str]:
    """Return the clocks in which `lane` alone has operands, and they are a sum's first."""
    width = design.spec.width
    mask = word(((1 << width) - 1) << (width * lane), width * design.lanes)
    operands = (f"(bvand {x}_0 {mask})" for x in "ab")
    return _clocks(design, model, f"lane{lane}", *operands, "#b1")


def _alone(design: DotProductDesign, model: Model, lane: int, bits: int) -> str:
    """Return what the isolated lane gives, as `extended`."""
    total = extended(design, _after(design, model, f"lane{lane}"), bits)
    others = (design.lanes - 1) * int(multiply(design.spec, 0, 0))
    return f"(bvsub {total} {word(others % (1 << bits), bits)})" if others else total


def _clocks(design, model, name: str, a: str, b: str, first: str) -> Iterable[str]:
    """Return the states NAME_0 ..., in the first of which the operands come."""
    given, registers = dict(zip(INPUTS, (a, b, first), strict=True)), "start"
    for clock in range(design.pipeline + 2):
        controls = {port: word(value, 1) for port, value in (ENABLED | {"clk": 0}).items()}
        behind = {port: f"{port}_{clock}" for port in INPUTS}
        yield state(model, f"{name}_{clock}", registers, controls | (behind if clock else given))
        registers = model.next_state(f"{name}_{clock}")


def _after(design: DotProductDesign, model: Model, name: str, port: str = "sum") -> str:
    """Return the term for an output when the first operands are in the sum."""
    return model.port(port, f"{name}_{design.pipeline + 1}")


def extended(design: DotProductDesign, term: str, bits: int, width: int | None = None) -> str:
    """Return a sum, or a term of `width` bits, in `bits` bits with its value."""
    kind = "sign" if design.spec.signed else "zero"
    return f"((_ {kind}_extend {bits - (width or design.accumulator_width)}) {term})"


def _tree(terms: list[str]) -> str:
    """Return the sum of the terms in the components' order, which the solver then meets again."""
    while len(terms) > 1:
        pairs = (terms[i : i + 2] for i in range(0, len(terms), 2))
        terms = [f"(bvadd {' '.join(pair)})" if len(pair) > 1 else pair[0] for pair in pairs]
    return terms[0]
