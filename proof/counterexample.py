"""From a false claim to operands: inputs since a reset that show a multiplier's wrong product."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mbm_hw.hdl.designs import Design
from proof.claims import unrolled
from proof.model import Model
from proof.solver import solve
from proof.specification import specification
from sim.checker import shown
from sim.vectors import notation


@dataclass(frozen=True)
class Counterexample:
    """What a design does wrong after certain inputs.

    message : what is wrong at the last inputs, in the words that co-simulation has for it.
    trace : the inputs by port since a reset, a rising clock edge after each but the last.
    """

    message: str
    trace: tuple[dict[str, int], ...]

    def __str__(self):
        return self.message


def find_counterexample(design: Design, model: Model, limit: float) -> Counterexample | None:
    """Return a shortest one of at most 2 * pipeline + 3 clocks; None if there is none.

    limit : for each length, in seconds of processor time.
    """
    ports = ("a", "b", "rst", "en") if design.pipeline else ("a", "b")
    for clocks in range(2 * design.pipeline + 4 if design.pipeline else 1):
        lines = [
            *unrolled(model, [{}] * (clocks + 1), model.cleared),
            *_operands_due(design, model, clocks),
        ]
        states = [f"s{clock}" for clock in range(clocks + 1)]
        found = wrong_product(design, model, lines, trace_terms(model, ports, states), limit)
        if found is not None:
            return found
    return None


def wrong_product(
    design: Design, model: Model, lines: Sequence[str], trace: list[dict[str, str]], limit: float
) -> Counterexample | None:
    """Return a counterexample whose last state has another product than that of `a` and `b`.

    lines : SMT-LIB, which defines the states s0 ..., one for each of `trace`, and a and b.
    """
    spec = design.spec
    width, product = spec.product_width, model.port("product", f"s{len(trace) - 1}")
    question = [
        *lines,
        specification(spec),
        f"(define-fun expected () (_ BitVec {width}) ((_ extract {width - 1} 0) product))",
        f"(assert (distinct {product} expected))",
    ]
    widths = {"a": spec.width, "b": spec.width, product: width, "expected": width}
    terms = [term for inputs in trace for term in inputs.values()]
    answer = solve("\n".join(question), limit, [*widths, *terms])
    if not answer.sat:
        return None
    texts = (shown(answer.values[t], bits, notation(spec)) for t, bits in widths.items())
    message = "{}: {} * {} is {}, expected {}".format(design.name, *texts)
    return Counterexample(message, trace_values(trace, answer.values))


def trace_terms(model: Model, ports: Sequence[str], states: Sequence[str]) -> list[dict[str, str]]:
    """Return for each state the terms for the ports' values."""
    return [{port: model.port(port, state) for port in ports} for state in states]


def trace_values(
    trace: list[dict[str, str]], values: Mapping[str, int]
) -> tuple[dict[str, int], ...]:
    """Return a trace of values for one of terms."""
    return tuple({port: values[term] for port, term in inputs.items()} for inputs in trace)


def _operands_due(design: Design, model: Model, clocks: int) -> list[str]:
    """Return the definitions of a and b: the operands whose product is due after some clocks.

    A pipelined multiplier is a queue of `pipeline` operands, the first one due. Clocks move it on
    while en is 1, and rst makes it one of zeros.
    """
    width, latency = design.spec.width, design.pipeline
    lines = []

    def define(name, term):
        lines.append(f"(define-fun {name} () (_ BitVec {width}) {term})")

    for x in "ab":
        for place in range(latency):
            define(f"{x}_0_{place}", f"(_ bv0 {width})")
        for state in range(clocks if latency else 0):
            behind = [f"{x}_{state}_{place}" for place in range(1, latency)]
            for place, moved in enumerate([*behind, model.port(x, f"s{state}")]):
                is_reset, is_enabled = (model.port(p, f"s{state}") for p in ("rst", "en"))
                held = f"(ite (= {is_enabled} #b1) {moved} {x}_{state}_{place})"
                cleared = f"(ite (= {is_reset} #b1) (_ bv0 {width}) {held})"
                define(f"{x}_{state + 1}_{place}", cleared)
        define(x, f"{x}_{clocks}_0" if latency else model.port(x, "s0"))
    return lines
