"""Proves a design's claims, or finds out which one is false."""

from dataclasses import dataclass, field
from pathlib import Path

from mbm_hw.files import replacing
from mbm_hw.hdl.designs import Design
from proof.claims import Claim, claims
from proof.counterexample import Counterexample, find_counterexample
from proof.model import ModelError, read_model
from proof.solver import solve


@dataclass(frozen=True)
class Proof:
    """What came of a design's proof.

    result : proved; refuted: a claim is false; timeout: the time did not suffice for one; vacuous:
        what one assumes cannot be; unreadable: there is no model of the Verilog.
    seconds : of processor time, by claim.
    failures : the claims that are not proved, each with what became of it.
    """

    design: str
    pipeline: int
    result: str
    seconds: dict[str, float] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    counterexample: Counterexample | None = None


def prove(design: Design, source: Path, limit: float, folder: Path) -> Proof:
    """Prove what `claims` says of the Verilog file `source`, whose module is design.name.

    limit : for each claim, in seconds of processor time.
    folder : gets DESIGN.CLAIM.smt2, each the complete question to a solver: unsat is the proof.
    """
    try:
        model = read_model(source, design.name)
    except ModelError as error:
        return Proof(design.name, design.pipeline, "unreadable", failures=(str(error),))
    seconds, results = {}, {}
    for claim in claims(design, model):
        text = f"(set-logic QF_BV)\n{claim.assumed}\n(assert {claim.negated})\n(check-sat)\n"
        with replacing(folder / f"{design.name}.{claim.name}.smt2") as file:
            file.write(text)
        results[claim.name], seconds[claim.name] = _result(claim, text, limit)
    wrong = {name: result for name, result in results.items() if result != "proved"}
    order = ("refuted", "vacuous", "timeout")
    result = min(wrong.values(), key=order.index, default="proved")
    counterexample = find_counterexample(design, model, limit) if result == "refuted" else None
    failures = tuple(f"{design.name}: {name} is {why}" for name, why in wrong.items())
    return Proof(design.name, design.pipeline, result, seconds, failures, counterexample)


def _result(claim: Claim, text: str, limit: float) -> tuple[str, float]:
    answer = solve(text, limit)
    if answer.sat is False:
        assumed = solve(claim.assumed, limit)
        result = {True: "proved", False: "vacuous", None: "timeout"}[assumed.sat]
        return result, answer.seconds + assumed.seconds
    return "timeout" if answer.sat is None else "refuted", answer.seconds
