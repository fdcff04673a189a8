"""Co-simulation of a MAC or dot-product unit: its operands, its model and its outcome."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from mbm_hw.hdl.dot_product_verilog import DotProductDesign
from mbm_hw.multipliers import IntegerSpec, multiply
from sim import dot_product_coverage
from sim.simulation import Simulation, emptied, run_design
from sim.vectors import corners, patterns, values

CLOCKS = 1_500  # of random operands
ALIKE = 50  # of them, for each sign that the products of all lanes have then


@dataclass(frozen=True)
class Operands:
    """What goes into the unit at each clock.

    a, b : the lanes' patterns, lane 0 lowest. total : the exact sum of their products.
    extremes : the (a, b, total) with the largest and the smallest total that equal lanes give.
    controls : the other inputs that go with each vector, by port; only a replay gives them.
    """

    design: str
    pipeline: int
    accumulator_width: int
    signed: bool
    seed: int
    a: list[int]
    b: list[int]
    total: list[int]
    extremes: list[tuple[int, int, int]]
    controls: list[dict[str, int]] = ()

    @classmethod
    def read(cls) -> "Operands":
        """Return the operands that `simulate_dot_product` wrote for this simulation."""
        return cls(**json.loads((Path(os.environ["SIM_FOLDER"]) / "operands.json").read_text()))


class Model:
    """The accumulator in Python's integers: exact sums, wrapped after each addition."""

    def __init__(self, width: int, signed: bool):
        self.modulus = 1 << width
        self.low = -(self.modulus >> 1) if signed else 0
        self.sum, self.overflow = 0, False

    def add(self, total: int, first: bool) -> str:
        """Add a total, or start with it; return whether the sum "stays" or "leaves" its range."""
        exact = total if first else self.sum + total
        self.sum = (exact - self.low) % self.modulus + self.low
        self.overflow = (self.overflow and not first) or self.sum != exact
        if self.sum == exact:
            return "stays"
        return "leaves upward" if exact > self.sum else "leaves downward"


def simulate_dot_product(
    design: DotProductDesign,
    source: Path,
    simulator: str,
    folder: Path,
    waves: bool = False,
    seed: int = 0,
    is_covered: bool = False,
    trace: Sequence[Mapping[str, int]] | None = None,
) -> Simulation:
    """Simulate the Verilog file `source`, whose module is design.name, against the reference.

    The parameters and errors are those of `sim.runner.simulate`. What is counted is clocks at which
    sum and overflow were checked; the bins are `dot_product_coverage`'s. Of a `trace`, a rising
    edge comes after each inputs but the last.
    """
    folder = emptied(folder)
    given = operands(design, seed)
    if trace is not None:
        a, b = ([inputs[x] for inputs in trace] for x in "ab")
        controls = [{port: i[port] for port in ("first", "rst", "en")} for i in trace]
        given = replace(given, a=a, b=b, total=totals(design, a, b), controls=controls)
    (folder / "operands.json").write_text(json.dumps(asdict(given)))
    products = multiply(design.spec, *(_unpacked(words, design) for words in (given.a, given.b)))
    bins = dot_product_coverage.reachable(design, _signs(design.spec))
    hit = dot_product_coverage.lanes(products)
    module = "sim.dot_product_tests" if trace is None else "sim.dot_product_replay_tests"
    return run_design(
        design.name, source, module, simulator, folder, waves, seed, is_covered, bins, hit
    )


def operands(design: DotProductDesign, seed: int) -> Operands:
    """Return random operands, uniform and from the corners, and the worst cases."""
    spec = design.spec
    generator = np.random.default_rng(seed)
    shape = 2, CLOCKS, design.lanes
    low, high = spec.operand_min, spec.operand_max
    uniform = generator.integers(low, high, shape, endpoint=True)
    edges = corners(spec)
    a, b = np.where(generator.integers(0, 2, shape), uniform, generator.choice(edges, shape))
    crossed = np.meshgrid(edges, edges)
    products = multiply(spec, *crossed)
    for i, sign in enumerate(_signs(spec)):  # chance does not make many lanes alike
        drawn = generator.choice(np.flatnonzero(np.sign(products) == sign), (ALIKE, design.lanes))
        for operand, edge in ((a, crossed[0]), (b, crossed[1])):
            operand[i * ALIKE : (i + 1) * ALIKE] = edge.flat[drawn]
    extremes = []
    for index in (products.argmax(), products.argmin()):
        x, y = (np.full((1, design.lanes), operand.flat[index]) for operand in crossed)
        total = design.lanes * int(products.flat[index])
        extremes.append((*_packed(x, spec), *_packed(y, spec), total))
    return Operands(
        design=design.name,
        pipeline=design.pipeline,
        accumulator_width=design.accumulator_width,
        signed=spec.signed,
        seed=seed,
        a=_packed(a, spec),
        b=_packed(b, spec),
        total=_totals(spec, a, b),
        extremes=extremes,
    )


def totals(design: DotProductDesign, a: Sequence[int], b: Sequence[int]) -> list[int]:
    """Return the exact sums of products of packed operands."""
    return _totals(design.spec, *(_unpacked(words, design) for words in (a, b)))


def _totals(spec: IntegerSpec, a: np.ndarray, b: np.ndarray) -> list[int]:
    return [sum(row) for row in multiply(spec, a, b).tolist()]


def _signs(spec: IntegerSpec) -> list[int]:
    """Return which of -1, 0 and 1 are signs of products, as the corners have them."""
    products = multiply(spec, *np.meshgrid(corners(spec), corners(spec)))
    return np.unique(np.sign(products)).tolist()


def _unpacked(words: Sequence[int], design: DotProductDesign) -> np.ndarray:
    """Return the operands [clocks, lanes] of packed words."""
    width = design.spec.width
    lanes = [
        [word >> (i * width) & ((1 << width) - 1) for i in range(design.lanes)] for word in words
    ]
    return np.array([values(row, design.spec) for row in lanes])


def _packed(lanes: np.ndarray, spec: IntegerSpec) -> list[int]:
    """Return one integer for each row of operands [clocks, lanes]."""
    words = [patterns(lane, spec.width) for lane in lanes.T]
    return [
        sum(pattern << (lane * spec.width) for lane, pattern in enumerate(row))
        for row in zip(*words, strict=True)
    ]
