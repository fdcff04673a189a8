"""A wrong sum or flag of a MAC or dot-product unit: inputs since a reset that show it.

At each clock a trace has one of a few vectors of operands: those with which a claim is false, and
the largest and the smallest, with which a sum leaves its range soonest. The solver chooses which,
and the controls.
"""

from collections.abc import Iterator, Sequence

from mbm_hw.hdl.dot_product_verilog import DotProductDesign
from proof.claims import unrolled
from proof.counterexample import Counterexample, trace_terms, trace_values
from proof.dot_product_claims import dot_product_claims, extended
from proof.model import Model
from proof.solver import solve
from proof.terms import word
from sim.dot_product import operands, totals

PORTS = ("a", "b", "first", "en", "rst")
LENGTHS = (4, 16)  # clocks of a trace, besides one for each stage


def find_dot_product_counterexample(
    design: DotProductDesign, model: Model, limit: float
) -> Counterexample | None:
    """Return one of at most pipeline + 4 clocks, or else of at most pipeline + 16; or None.

    limit : for each length, in seconds of processor time.
    """
    chosen = [*_refuting(design, model, limit), *operands(design, seed=0).extremes]
    for clocks in (design.pipeline + length for length in LENGTHS):
        lines = [
            *unrolled(model, [{}] * (clocks + 1), model.cleared),
            *_sums(design, chosen, clocks),
        ]
        states = [f"s{clock}" for clock in range(clocks + 1)]
        outputs = [(model.port("sum", state), model.port("overflow", state)) for state in states]
        wrong = (
            f"(distinct {term} {right}_{clock})"
            for clock, terms in enumerate(outputs)
            for term, right in zip(terms, ("sum", "flag"), strict=True)
        )
        lines.append(f"(assert (or {' '.join(wrong)}))")
        trace = trace_terms(model, PORTS, states)
        seen = [(*terms, f"sum_{i}", f"flag_{i}") for i, terms in enumerate(outputs)]
        shown = [term for inputs in trace for term in inputs.values()]
        answer = solve("\n".join(lines), limit, shown + [term for terms in seen for term in terms])
        if answer.sat:
            values = [[answer.values[term] for term in terms] for terms in seen]
            last = next(i for i, value in enumerate(values) if value[:2] != value[2:])
            message = _message(design, last, *values[last])
            return Counterexample(message, trace_values(trace[: last + 1], answer.values))
    return None


def _refuting(design: DotProductDesign, model: Model, limit: float) -> Iterator[tuple]:
    """Yield a, b and the sum of their products, with which a lane or the sum is wrong."""
    for claim in dot_product_claims(design, model):
        if claim.name.startswith("lane") or claim.name == "sum":
            question = f"{claim.assumed}\n(assert {claim.negated})"
            answer = solve(question, limit, ("a_0", "b_0"))
            if answer.sat:
                a, b = answer.values.values()
                yield a, b, *totals(design, [a], [b])
                return


def _message(design: DotProductDesign, clock: int, *patterns: int) -> str:
    """Return what co-simulation says; it counts the clock of the reset too."""
    sign = design.spec.signed << (design.accumulator_width - 1)
    total, flag, expected, expected_flag = patterns
    total, expected = (pattern - ((pattern & sign) << 1) for pattern in (total, expected))
    return (
        f"{design.name}: clock {clock + 1}: sum, overflow are {(total, flag)}, "
        f"expected {(expected, expected_flag)}"
    )


def _sums(
    design: DotProductDesign, chosen: Sequence[tuple[int, int, int]], clocks: int
) -> Iterator[str]:
    """Yield sum_I and flag_I, which are right before clock I, of the `chosen` a, b and total."""
    stages, operand = design.pipeline, design.lanes * design.spec.width
    widths = {"total": design.accumulator_width + 1, "first": 1}
    widths |= {"sum": design.accumulator_width, "flag": 1}

    def define(name, clock, term, width=None):
        width = width or widths[name.split("@")[0]]
        return f"(define-fun {name}_{clock} () (_ BitVec {width}) {term})"

    registers = [f"{name}@{stage}" for name in ("total", "first") for stage in range(stages)]
    for name in (*registers, "sum", "flag"):
        yield define(name, 0, word(0, widths[name.split("@")[0]]))
    for clock in range(clocks):
        total, options = word(0, widths["total"]), []
        for a, b, value in chosen:
            is_it = (f"(= {x}_s{clock} {word(v, operand)})" for x, v in (("a", a), ("b", b)))
            options.append(f"(and {' '.join(is_it)})")
            value = word(value % (1 << widths["total"]), widths["total"])
            total = f"(ite {options[-1]} {value} {total})"
        yield f"(assert (or {' '.join(options)}))"
        yield define(f"total@{stages}", clock, total)
        yield define(f"first@{stages}", clock, f"first_s{clock}")
        starts = f"(= first@0_{clock} #b1)"
        kept = f"(ite {starts} {word(0, widths['sum'])} sum_{clock})"
        exact = f"(bvadd {extended(design, kept, widths['total'])} total@0_{clock})"
        yield define("exact", clock, exact, widths["total"])
        wrapped = f"((_ extract {widths['sum'] - 1} 0) exact_{clock})"
        leaves = f"(distinct exact_{clock} {extended(design, wrapped, widths['total'])})"
        sticks = f"(and (not {starts}) (= flag_{clock} #b1))"
        moved = {
            f"{n}@{i}": f"{n}@{i + 1}_{clock}" for n in ("total", "first") for i in range(stages)
        }
        moved |= {"sum": wrapped, "flag": f"(ite (or {leaves} {sticks}) #b1 #b0)"}
        for name, term in moved.items():
            held = f"(ite (= en_s{clock} #b1) {term} {name}_{clock})"
            zero = word(0, widths[name.split("@")[0]])
            yield define(name, clock + 1, f"(ite (= rst_s{clock} #b1) {zero} {held})")
