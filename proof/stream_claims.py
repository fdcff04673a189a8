"""What is claimed of a multiplier between two streams, for stalls of any length and in any order.

No claim spans a stall: each is of one clock, or of `pipeline` clocks that move, as a clock does
unless a product is stalled. Together they say that operands, in the order in which they were taken,
give one product each: what a moving clock takes is the buffer's content or, if that is empty, what
is on offer (`buffered`); after as many moving clocks as there are stages comes its product, or a
gap (`product`, `gap`); between them stalled clocks change nothing but an empty buffer, which takes
what is on offer (`stalled`), and a moving clock leaves the buffer empty (`moved`).
"""

from collections.abc import Mapping, Sequence

from mbm_hw.hdl.designs import Design
from proof.claims import Claim, all_of, fitting_claims, free_state, reset_claim
from proof.model import Model
from proof.specification import extended, specification

HELD = "streams_held"  # of the buffer: {b, a}
BUFFER = (HELD, "streams_is_held")
_PRODUCT = ("product", "product_valid")
RUNNING = {"rst": 0}


def stream_claims(design: Design, model: Model) -> list[Claim]:
    """Return all that is claimed of a stream multiplier, whatever its registers hold.

    product : operands taken by a moving clock give the specification's product after `pipeline`
        moving clocks, the first of them that one; it is valid.
    gap : a moving clock without any gives no valid product then.
    buffered : a full buffer is to the other registers and to the product what an empty one is with
        the same operands on offer.
    stalled : a clock with a stalled product changes no register but an empty buffer, which then
        holds what is on offer. The product and that it is valid stay.
    moved : after a moving clock the buffer is empty.
    ready : whether operands are taken is told by the registers alone.
    reset : a clock with rst at 1 leaves all registers in one state.
    cleared : then the buffer is empty, and there is no valid product but of what is on offer.
    fits, corner : see `claims`.
    """
    return [
        *fitting_claims(design.spec),
        _product(design, model),
        _gap(design, model),
        _buffered(model),
        _stalled(model),
        _moved(model),
        _ready(model),
        reset_claim(model),
        _cleared(model),
    ]


def _product(design: Design, model: Model) -> Claim:
    spec, last = design.spec, f"s{design.pipeline}"
    product = extended(spec, model.port("product", last), spec.product_width)
    lines = [
        *_moving(design, model, 1),
        *(f"(define-fun {x} () (_ BitVec {spec.width}) {x}_s0)" for x in "ab"),
        specification(spec),
    ]
    right = all_of([_is(model.port("product_valid", last)), f"(= {product} product)"])
    return Claim("product", "\n".join(lines), f"(not {right})")


def _gap(design: Design, model: Model) -> Claim:
    lines = _moving(design, model, 0)
    return Claim("gap", "\n".join(lines), _is(model.port("product_valid", f"s{design.pipeline}")))


def _buffered(model: Model) -> Claim:
    """Two states, of which s has a full buffer and t an empty one: else they are the same."""
    lines = [
        model.text,
        *_clocks(model, "s", [RUNNING, {}]),
        *_clocks(model, "t", [RUNNING | {"operands_valid": 1}, {}]),
    ]
    given = [
        _same_beside_the_buffer(model, "s0", "t0"),
        _is_full(model, "s0"),
        f"(not {_is_full(model, 't0')})",
        f"(= {model.register(HELD, 's0')} (concat b_t0 a_t0))",
        "(= product_ready_s0 product_ready_t0)",
    ]
    lines.append(f"(assert {all_of(given)})")
    same = [_same_beside_the_buffer(model, "s1", "t1")]
    same += [f"(= {model.port(p, 's0')} {model.port(p, 't0')})" for p in _PRODUCT]
    return Claim("buffered", "\n".join(lines), f"(not {all_of(same)})")


def _stalled(model: Model) -> Claim:
    lines = [model.text, *_clocks(model, "s", [RUNNING, {}])]
    lines.append(f"(assert (not {_moves(model, 's0')}))")
    was_held, is_held = (_is_full(model, state) for state in ("s0", "s1"))
    held, taken = (model.register(HELD, state) for state in ("s0", "s1"))
    is_offered = "(= operands_valid_s0 #b1)"
    kept = [
        _same_beside_the_buffer(model, "s0", "s1"),
        f"(= {is_held} (or {was_held} {is_offered}))",
        f"(=> {is_held} (= {taken} (ite {was_held} {held} (concat b_s0 a_s0))))",
        *(f"(= {model.port(p, 's0')} {model.port(p, 's1')})" for p in _PRODUCT),
    ]
    return Claim("stalled", "\n".join(lines), f"(not {all_of(kept)})")


def _moved(model: Model) -> Claim:
    lines = [model.text, *_clocks(model, "s", [RUNNING, {}])]
    lines.append(f"(assert {_moves(model, 's0')})")
    return Claim("moved", "\n".join(lines), _is_full(model, "s1"))


def _ready(model: Model) -> Claim:
    lines = [model.text, *_clocks(model, "s", [{}]), *free_state(model, "t0", "s0", {})]
    ready = (model.port("operands_ready", state) for state in ("s0", "t0"))
    return Claim("ready", "\n".join(lines), f"(distinct {' '.join(ready)})")


def _cleared(model: Model) -> Claim:
    lines = [model.text, *free_state(model, "s0", model.cleared, {"operands_valid": 0})]
    valid = _is(model.port("product_valid", "s0"))
    return Claim("cleared", "\n".join(lines), f"(or {valid} {_is_full(model, 's0')})")


def _moving(design: Design, model: Model, is_offered: int) -> list[str]:
    """Return clocks that move, the first with an empty buffer, and a state behind them."""
    first = RUNNING | {"operands_valid": is_offered}
    controls = [first, *[RUNNING] * design.pipeline]
    moves = (_moves(model, f"s{clock}") for clock in range(design.pipeline))
    is_empty = f"(not {_is_full(model, 's0')})"
    return [
        model.text,
        *_clocks(model, "s", controls),
        f"(assert {all_of([is_empty, *moves])})",
    ]


def _clocks(model: Model, name: str, controls: Sequence[Mapping[str, int]]) -> list[str]:
    """Return the states NAME0 ..., the first with registers that hold anything."""
    registers = f"start_{name}"
    lines = [f"(declare-const {registers} |{model.name}_s|)"]
    for number, known in enumerate(controls):
        lines += free_state(model, f"{name}{number}", registers, known)
        registers = model.next_state(f"{name}{number}")
    return lines


def _moves(model: Model, state: str) -> str:
    ready, valid = (model.port(p, state) for p in ("product_ready", "product_valid"))
    return f"(or {_is(ready)} (not {_is(valid)}))"


def _same_beside_the_buffer(model: Model, *states: str) -> str:
    others = [name for name in model.registers if name not in BUFFER]
    return all_of(f"(= {' '.join(model.register(name, s) for s in states)})" for name in others)


def _is_full(model: Model, state: str) -> str:
    return f"(not {_is(model.port('operands_ready', state))})"


def _is(bit: str) -> str:
    return f"(= {bit} #b1)"
