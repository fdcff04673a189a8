"""From a false claim to operands: inputs since a reset that show a wrong product."""

from dataclasses import dataclass

from mbm_hw.hdl.designs import Design
from proof.claims import unrolled
from proof.model import Model
from proof.solver import solve
from proof.specification import product_width, specification
from sim.checker import shown
from sim.vectors import Inputs, notation


@dataclass(frozen=True)
class Counterexample:
    """A wrong product.

    trace : the inputs since all registers were 0, a rising clock edge after each but the last;
        with that one still to come, the product is wrong.
    a, b : the operands whose product is due then, as co-simulation shows them.
    actual, expected : what the Verilog gives, and what the specification says.
    """

    design: str
    trace: tuple[Inputs, ...]
    a: str
    b: str
    actual: str
    expected: str

    def __str__(self):
        """The message that co-simulation has for the same product."""
        return f"{self.design}: {self.a} * {self.b} is {self.actual}, expected {self.expected}"


def find_counterexample(design: Design, model: Model, limit: float) -> Counterexample | None:
    """Return a shortest one of at most 2 * pipeline + 3 clocks; None if there is none.

    limit : for each length, in seconds of processor time.
    """
    for clocks in range(2 * design.pipeline + 4 if design.pipeline else 1):
        found = _of_length(design, model, clocks, limit)
        if found is not None:
            return found
    return None


def _of_length(design: Design, model: Model, clocks: int, limit: float) -> Counterexample | None:
    spec = design.spec
    product = model.port("product", f"s{clocks}")
    due = _operands_due(design, model, clocks)
    lines = [
        *unrolled(model, [{}] * (clocks + 1), model.cleared),
        *due,
        specification(spec),
        f"(define-fun expected () (_ BitVec {product_width(spec)}) "
        f"((_ extract {product_width(spec) - 1} 0) product))",
        f"(assert (distinct {product} expected))",
    ]
    ports = ("a", "b", "rst", "en") if design.pipeline else ("a", "b")
    terms = [[model.port(port, f"s{state}") for port in ports] for state in range(clocks + 1)]
    wanted = ["a", "b", product, "expected", *(term for state in terms for term in state)]
    answer = solve("\n".join(lines), limit, wanted)
    if not answer.sat:
        return None
    values = answer.values

    def text(term: str, width: int) -> str:
        return shown(values[term], width, notation(spec))

    return Counterexample(
        design=design.name,
        trace=tuple(Inputs(*(values[term] for term in state)) for state in terms),
        a=text("a", spec.width),
        b=text("b", spec.width),
        actual=text(product, product_width(spec)),
        expected=text("expected", product_width(spec)),
    )


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
