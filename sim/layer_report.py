"""What came of layers in the engine: a table, a Markdown file and JUnit XML."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from tabulate import tabulate

from mbm_hw.hdl.engine.driver import Convolution, Words
from mbm_hw.hdl.engine.parameters import EngineParameters
from mbm_hw.system.files import replacing
from sim import junit
from sim.engine import Run

COLUMNS = (
    *("layer", "kind", "outputs", "differences", "products", "clocks", "planned", "utilisation %"),
    *("bound %", "with stalls", "products/CPU s"),
)


@dataclass(frozen=True)
class Outcome:
    """What came of a layer in one run; differences counts outputs that are wrong or missing."""

    outputs: int
    differences: int
    messages: tuple[str, ...]


@dataclass(frozen=True)
class LayerOutcome:
    """What came of a layer in its two runs: at full speed, and with stalls."""

    name: str
    layer: Convolution
    words: Words
    runs: tuple[Run, Run]
    outcomes: tuple[Outcome, Outcome]

    @property
    def differences(self) -> int:
        return sum(outcome.differences for outcome in self.outcomes)


def table(layers: Sequence[LayerOutcome], engine: EngineParameters, form: str = "simple") -> str:
    """Return the table of the layers, and of all of them together; `form` is tabulate's."""
    rows = [_row(layer, engine) for layer in layers]
    rows.append(_total(rows, engine))
    return tabulate(rows, COLUMNS, form, floatfmt=".1f", intfmt=",")


def write_layers(
    layers: Sequence[LayerOutcome], engine: EngineParameters, simulator: str, folder: Path
):
    """Write ENGINE.md and junit.xml, in which each run of a layer is a test case."""
    with replacing(folder / f"{engine.name}.md") as file:
        file.write(f"{table(layers, engine, 'github')}\n")
    suite = Element("testsuite", name=f"{simulator}.{engine.name}")
    for layer in layers:
        for speed, outcome in zip(("full speed", "with stalls"), layer.outcomes, strict=True):
            message = f"{outcome.differences} differences: {'; '.join(outcome.messages)}"
            wrong = message if outcome.differences else None
            junit.add_case(suite, f"{layer.name}, {speed}", wrong)
    _write_junit(suite, folder)


def write_error(reason: str, engine: EngineParameters, simulator: str, folder: Path):
    """Write junit.xml of a simulation that came to no end."""
    suite = Element("testsuite", name=f"{simulator}.{engine.name}")
    junit.add_case(suite, "simulation", reason, "error")
    _write_junit(suite, folder)


def _write_junit(suite: Element, folder: Path):
    with replacing(folder / "junit.xml") as file:
        file.write(junit.document("layers", [suite]))


def _row(came: LayerOutcome, engine):
    words, (free, stalled) = came.words, came.runs
    return [
        came.name,
        _kind(came.layer),
        came.outcomes[0].outputs,
        came.differences,
        words.products,
        free.clocks,
        words.clocks,
        _utilisation(words.products, free.clocks, engine),
        _utilisation(words.products, words.least_clocks, engine),
        stalled.clocks,
        int(2 * words.products / (free.seconds + stalled.seconds)),
    ]


def _total(rows, engine):
    column = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    sums = [sum(column[name]) for name in COLUMNS[2:7]]
    products, clocks = sums[2:4]
    least = sum(p / bound for p, bound in zip(column["products"], column["bound %"], strict=True))
    seconds = sum(
        2 * p / max(rate, 1)
        for p, rate in zip(column["products"], column["products/CPU s"], strict=True)
    )
    utilisation = _utilisation(products, clocks, engine)
    stalled = sum(column["with stalls"])
    return ["total", "", *sums, utilisation, products / least, stalled, int(2 * products / seconds)]


def _utilisation(products: int, clocks: int, engine: EngineParameters) -> float:
    """Return the share of the array's multipliers that are of use, in percent."""
    return 100 * products / (max(clocks, 1) * engine.rows * engine.columns)


def _kind(layer: Convolution) -> str:
    kernel = "x".join(map(str, layer.w.shape[2:]))
    groups = "depthwise " if layer.groups == layer.x.shape[1] > 1 else ""
    stride = "" if set(layer.stride) == {1} else f" /{layer.stride[0]}"
    return f"{groups}{kernel}{stride}, {layer.x.shape[1]} -> {len(layer.w)}"
