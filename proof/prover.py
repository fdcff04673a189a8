"""Proves a design's claims, or finds out which one is false.

What is proved stays proved: a question that the solver has answered so is not asked again, so that
a long run may be interrupted.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mbm_hw.hdl.designs import Design
from mbm_hw.hdl.dot_product_verilog import DotProductDesign
from mbm_hw.system.files import replacing
from proof.claims import Claim, claims
from proof.counterexample import Counterexample, find_counterexample
from proof.dot_product_claims import dot_product_claims
from proof.dot_product_counterexample import find_dot_product_counterexample
from proof.model import ModelError, read_model
from proof.solver import VERSION, solve
from proof.specification import Undefined
from proof.stream_claims import stream_claims
from proof.stream_counterexample import find_stream_counterexample

RESULTS = ("proved", "timeout", "unreadable", "undefined", "vacuous", "refuted")
"""Of a claim, and of a design the worst of its claims: proved; the time did not suffice; there is
no model of the Verilog; its family has no definition; what is assumed cannot be; there is a
counterexample."""


@dataclass(frozen=True)
class Proof:
    """What came of one design.

    seconds, results : of each claim, seconds of processor time.
    note : why there is no model, or no definition.
    counterexample : if a claim is false, or cannot be made of this Verilog.
    """

    design: str
    pipeline: int
    results: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    note: str | None = None
    counterexample: Counterexample | None = None

    @property
    def result(self) -> str:
        return max(self.results.values(), key=RESULTS.index)


def prove(design: Design | DotProductDesign, source: Path, limit: float, folder: Path) -> Proof:
    """Prove what is claimed of the Verilog file `source`, whose module is design.name.

    limit : for each claim, in seconds of processor time.
    folder : gets CLAIM.smt2, each the complete question to a solver: unsat is the proof, and
    CLAIM.json says of which question that was found.
    """
    try:
        model = read_model(source, design.name)
    except ModelError as error:
        return Proof(design.name, design.pipeline, {"model": "unreadable"}, note=str(error))
    make_claims, find = _methods(design)
    results, seconds, note = {}, {}, None
    try:
        claimed = make_claims(design, model)
    except ModelError as error:  # it lacks a register that the claims are about
        claimed, results, note = [], {"registers": "unreadable"}, str(error)
    except Undefined as error:
        claimed, results, note = [], {"definition": "undefined"}, str(error)
    for claim in claimed:
        text = f"(set-logic QF_BV)\n{claim.assumed}\n(assert {claim.negated})\n(check-sat)\n"
        with replacing(folder / f"{claim.name}.smt2") as file:
            file.write(text)
        results[claim.name], seconds[claim.name] = _result(claim, text, limit, folder)
    counterexample = None
    if {"refuted", "unreadable"} & set(results.values()):
        counterexample = find(design, model, limit)
        if counterexample is not None and not claimed:
            results["trace"] = "refuted"
    return Proof(design.name, design.pipeline, results, seconds, note, counterexample)


def _methods(design: Design | DotProductDesign) -> tuple[Callable, Callable]:
    """Return the functions that make the claims, and that look for a counterexample."""
    if isinstance(design, DotProductDesign):
        return dot_product_claims, find_dot_product_counterexample
    if design.stream:
        return stream_claims, find_stream_counterexample
    return claims, find_counterexample


def _result(claim: Claim, text: str, limit: float, folder: Path) -> tuple[str, float]:
    proved = folder / f"{claim.name}.json"
    question = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "solver": VERSION}
    if (before := _read(proved)) is not None and before["question"] == question:
        return "proved", before["seconds"]
    answer = solve(text, limit)
    if answer.sat is not False:
        return "refuted" if answer.sat else "timeout", answer.seconds
    assumed = solve(claim.assumed, limit)
    result = {True: "proved", False: "vacuous", None: "timeout"}[assumed.sat]
    seconds = answer.seconds + assumed.seconds
    if result == "proved":
        with replacing(proved) as file:
            json.dump({"question": question, "seconds": seconds}, file)
    return result, seconds


def _read(path: Path) -> dict | None:
    return json.loads(path.read_text()) if path.exists() else None
