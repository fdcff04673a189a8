"""What is claimed of a design, each claim for all operands and from all states of the registers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Spec
from proof.model import Model
from proof.specification import claim_names, extended, specification
from proof.terms import word

ENABLED = {"rst": 0, "en": 1}


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
    Further claims of the specification are those that it makes itself, as claim_NAME: corner (the
        correction is left out exactly where the product would not fit), whole (no multiplication
        loses bits).
    product : the Verilog's product is the specification's; if pipelined, after `pipeline` enabled
        clocks, whatever the registers held and whatever operands come behind.
    hold : a clock with en and rst at 0 changes no register.
    reset : a clock with rst at 1 leaves all registers in one state, whatever was before it.
    cleared : the products after that are those of 0 and 0 until operands have passed.
    registered : between two clocks nothing changes the outputs.
    """
    found = [*fitting_claims(design.spec), _product(design, model)]
    if design.pipeline:
        found += [*clocked_claims(model), _cleared(design, model)]
    return found


def fitting_claims(spec: Spec) -> list[Claim]:
    """Return what is claimed of the specification alone: `fits`, and what it claims itself."""
    definition = specification(spec)
    width = spec.product_width
    pattern = extended(spec, f"((_ extract {width - 1} 0) product)", width)
    negated = {"fits": f"(distinct {pattern} product)"}
    negated |= {name: f"(not claim_{name})" for name in claim_names(definition)}
    lines = [*free_operands(spec), definition]
    return [_claim(name, lines, term) for name, term in negated.items()]


def clocked_claims(model: Model) -> list[Claim]:
    """Return what is claimed of all registers together: `hold`, `reset`, `registered`."""
    return [_hold(model), reset_claim(model), _registered(model)]


def free_operands(spec: Spec) -> list[str]:
    """Return the declarations of operands that may be anything."""
    return [f"(declare-const {x} (_ BitVec {spec.width}))" for x in "ab"]


def unrolled(
    model: Model, controls: Sequence[Mapping[str, int]], start: str | None = None
) -> list[str]:
    """Return the model, and states s0, s1 ... each a clock after the other.

    controls : for each state the inputs that are known; the others are constants, as a_s0.
    start : the term for a state, of which s0 has the registers; by default they hold anything.
    """
    lines = [model.text]
    if start is None:
        start = "start"
        lines.append(f"(declare-const start |{model.name}_s|)")
    for number, known in enumerate(controls):
        lines += free_state(model, f"s{number}", start, known)
        start = model.next_state(f"s{number}")
    return lines


def free_state(model: Model, name: str, registers: str, known: Mapping[str, int]) -> list[str]:
    """Return the definition of a state by a state with the same registers and by its inputs."""
    free = [port for port in model.inputs if port not in known]
    inputs = {port: f"{port}_{name}" for port in free}
    inputs |= {port: word(value, model.inputs[port]) for port, value in known.items()}
    return [
        *(f"(declare-const {port}_{name} (_ BitVec {model.inputs[port]}))" for port in free),
        state(model, name, registers, inputs),
    ]


def state(model: Model, name: str, registers: str, inputs: Mapping[str, str]) -> str:
    """Return the definition of a state: the registers of another one, and terms for its inputs."""
    return f"(define-fun {name} () |{model.name}_s| {model.with_inputs(registers, inputs)})"


def _product(design: Design, model: Model) -> Claim:
    spec, latency = design.spec, design.pipeline
    product = extended(spec, model.port("product", f"s{latency}"), spec.product_width)
    lines = [
        *unrolled(model, [*[ENABLED] * latency, {}]),
        *(f"(define-fun {x} () (_ BitVec {spec.width}) {x}_s0)" for x in "ab"),
        specification(spec),
    ]
    return _claim("product", lines, f"(distinct {product} product)")


def _hold(model: Model) -> Claim:
    lines = unrolled(model, [{"rst": 0, "en": 0}, {}])
    return _claim("hold", lines, f"(not {_same_registers(model)})")


def reset_claim(model: Model) -> Claim:
    lines = unrolled(model, [{"rst": 1}, {}])
    cleared = (
        f"(= {model.register(name, 's1')} {model.register(name, model.cleared)})"
        for name in model.registers
    )
    return _claim("reset", lines, f"(not {all_of(cleared)})")


def _cleared(design: Design, model: Model) -> Claim:
    spec, latency = design.spec, design.pipeline
    lines = [
        *unrolled(model, [*[ENABLED] * (latency - 1), {}], model.cleared),
        *(f"(define-fun {x} () (_ BitVec {spec.width}) {word(0, spec.width)})" for x in "ab"),
        specification(spec),
    ]
    products = (model.port("product", f"s{state}") for state in range(latency))
    right = (f"(= {extended(spec, given, spec.product_width)} product)" for given in products)
    return _claim("cleared", lines, f"(not {all_of(right)})")


def _registered(model: Model) -> Claim:
    lines = [*unrolled(model, [{}]), *free_state(model, "s1", "s0", {})]
    same = (f"(= {model.port(port, 's0')} {model.port(port, 's1')})" for port in model.outputs)
    return _claim("registered", lines, f"(not {all_of(same)})")


def _claim(name: str, lines: Iterable[str], negated: str) -> Claim:
    return Claim(name, "\n".join(lines), negated)


def _same_registers(model: Model) -> str:
    terms = ([model.register(name, state) for state in ("s0", "s1")] for name in model.registers)
    return all_of(f"(= {' '.join(pair)})" for pair in terms)


def all_of(terms: Iterable[str]) -> str:
    """Return the term that is true exactly if all of them are."""
    terms = ["true", *terms]
    return f"(and {' '.join(terms)})" if len(terms) > 1 else terms[0]
