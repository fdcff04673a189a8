"""What a stream multiplier does wrong, found from its ports alone: handshakes since a reset."""

from collections.abc import Iterator

from mbm_hw.hdl.designs import Design
from proof.claims import all_of, free_state, unrolled
from proof.counterexample import Counterexample, trace_terms, trace_values, wrong_product
from proof.model import Model
from proof.solver import solve
from proof.terms import word

PORTS = ("a", "b", "operands_valid", "product_ready", "rst")
IDLE = {"operands_valid": 0, "product_ready": 0}
COUNT = 8  # bits of the number of operands that are inside
ZERO, ONE = word(0, COUNT), word(1, COUNT)


def find_stream_counterexample(design: Design, model: Model, limit: float) -> Counterexample | None:
    """Return a shortest one of at most 2 * pipeline + 6 clocks; None if there is none.

    limit : for each length and kind of mistake, in seconds of processor time.
    """
    for last in range(2 * design.pipeline + 7):
        lines = [
            *unrolled(model, [{}] * (last + 1), model.cleared),
            *_queue(design, model, last),
            *_rules(model, last),
            *free_state(model, "other", f"s{last}", {"rst": 0}),
            *free_state(model, "pulse", f"s{last}", IDLE | {"rst": 1}),
        ]
        trace = trace_terms(model, PORTS, [f"s{clock}" for clock in range(last + 1)])
        terms = [term for inputs in trace for term in inputs.values()]
        for message, mistake in _mistakes(design, model, last):
            answer = solve("\n".join([*lines, f"(assert {mistake})"]), limit, terms)
            if answer.sat:
                text = f"{design.name}: {message}"
                return Counterexample(text, trace_values(trace, answer.values))
        lines.append(f"(assert {_is(model.port('product_valid', f's{last}'))})")
        found = wrong_product(design, model, lines, trace, limit)
        if found is not None:
            return found
    return None


def _mistakes(design: Design, model: Model, last: int) -> Iterator[tuple[str, str]]:
    """Yield what can be wrong at the last clock besides the product, in co-simulation's order."""
    is_reset = f"(= rst_s{last - 1} #b1)" if last else "true"
    is_idle = f"(= operands_valid_s{last} #b0)"
    is_given = _is(model.port("product_valid", f"s{last}"))
    ready, other_ready = (model.port("operands_ready", state) for state in (f"s{last}", "other"))
    same_operands = [f"(= {x}_s{last} {x}_other)" for x in "ab"]
    yield "a product is valid after the reset", all_of([is_reset, is_given, is_idle])
    yield "operands are refused after the reset", all_of([is_reset, f"(not {_is(ready)})"])
    yield (
        "operands_ready follows another signal within the clock",
        all_of([*same_operands, f"(distinct {ready} {other_ready})"]),
    )
    still = (f"(= {port}_s{last} #b0)" for port in IDLE)
    falls = f"(distinct {model.port('product_valid', 'pulse')} #b1)"
    yield "the reset does not wait for the clock", all_of([*still, is_given, falls])
    yield "a product that nobody asked for", all_of([is_given, f"(= inside_{last} {ZERO})"])
    yield "a product was lost", f"(bvugt count_{last + 1} {word(design.pipeline + 1, COUNT)})"


def _queue(design: Design, model: Model, last: int) -> Iterator[str]:
    """Yield definitions: count_I, how many operands are inside before the handshakes of clock I,
    and inside_I, with those that it takes; X_I_0 ..., X_inside_I_0 ...: the operands, those due
    first; and a and b: those due at the last clock.
    """
    places = range(last + 2)

    def define(name, term, bits=design.spec.width):
        return f"(define-fun {name} () (_ BitVec {bits}) {term})"

    yield define("count_0", ZERO, COUNT)
    yield from (define(f"{x}_0_{p}", word(0, design.spec.width)) for x in "ab" for p in places)
    for clock in range(last + 1):
        valid, ready = (_is(model.port(f"operands_{p}", f"s{clock}")) for p in ("valid", "ready"))
        is_taken = all_of([valid, ready])
        valid, ready = (_is(model.port(f"product_{p}", f"s{clock}")) for p in ("valid", "ready"))
        is_given = all_of([valid, ready])
        for x in "ab":
            for place in places:
                is_new = f"(and {is_taken} (= count_{clock} {word(place, COUNT)}))"
                new = f"(ite {is_new} {x}_s{clock} {x}_{clock}_{place})"
                yield define(f"{x}_inside_{clock}_{place}", new)
            for place in places:
                behind, same = (f"{x}_inside_{clock}_{p % len(places)}" for p in (place + 1, place))
                yield define(f"{x}_{clock + 1}_{place}", f"(ite {is_given} {behind} {same})")
        more, fewer = (f"(ite {handshake} {ONE} {ZERO})" for handshake in (is_taken, is_given))
        yield define(f"inside_{clock}", f"(bvadd count_{clock} {more})", COUNT)
        left = f"(ite (= rst_s{clock} #b1) {ZERO} (bvsub inside_{clock} {fewer}))"
        yield define(f"count_{clock + 1}", left, COUNT)
    yield from (define(x, f"{x}_inside_{last}_0") for x in "ab")


def _rules(model: Model, last: int) -> Iterator[str]:
    """Yield what the design's neighbours keep to: see `StreamMultiplier`."""
    for clock in range(last + 1):
        idle = f"(and (= operands_valid_s{clock} #b0) (= product_ready_s{clock} #b0))"
        yield f"(assert (=> (= rst_s{clock} #b1) {idle}))"
    for clock in range(last):
        ready = _is(model.port("operands_ready", f"s{clock}"))
        is_refused = f"(and (= operands_valid_s{clock} #b1) (not {ready}))"
        stays = [f"(= {p}_s{clock} {p}_s{clock + 1})" for p in ("a", "b", "operands_valid")]
        yield f"(assert (=> {is_refused} (or (= rst_s{clock + 1} #b1) {all_of(stays)})))"
    yield f"(assert (= rst_s{last} #b0))"


def _is(bit: str) -> str:
    return f"(= {bit} #b1)"
