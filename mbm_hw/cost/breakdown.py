"""Where a logarithmic multiplier's area goes, and how little of it the library would allow."""

import functools
from collections.abc import Mapping, Sequence

from mbm_hw.cost.bounds import area, array_terms, block_terms, cell_areas
from mbm_hw.cost.netlist import Netlist
from mbm_hw.cost.rows import Costing, baseline_of, builds
from mbm_hw.cost.tools import workers
from mbm_hw.hdl.blocks import blocks
from mbm_hw.hdl.design_names import AnyDesign, as_design
from mbm_hw.multipliers import Spec

BROKEN_DOWN = ("mitchell8", "mbm8", "mitchell16", "mbm16", "mbm16_t8")
"""The designs whose breakdown goes into a report."""


def breakdown(costing: Costing, design: AnyDesign | Spec | str) -> list[dict]:
    """Return rows for the blocks, each mapped by itself, their sum, the whole, and the exact one.

    design : a combinational logarithmic multiplier, signed or not; others are a ValueError.

    design, block, count : whose, which, and how many there are; the figures are for all of them.
    area_um2, gate_equivalents : as mapped. share : of the smaller exact multiplier's area, percent.
    inverter_um2 : what of the area is inverters and buffers.
    least_um2 : the least area of its terms, see `bounds`; None for Booth's exact multiplier.
    terms : how many of each there are.
    """
    design = as_design(design)
    spec = design.spec
    if design.pipeline or not (parts := blocks(spec)):
        raise ValueError(f"{design.name}: only combinational logarithmic multipliers have blocks")
    areas, all_terms = cell_areas(costing.library), block_terms(spec)
    rows = []
    for name, block in parts.items():
        netlist = costing.mapped_verilog(block.verilog, "block").netlist(costing.library)
        terms = {term: count * block.count for term, count in all_terms[name].items() if count}
        rows.append(_row(costing, name, block.count, netlist, area(terms, areas), terms))
    figures = ("area_um2", "gate_equivalents", "inverter_um2", "least_um2")
    total = {name: sum(row[name] for row in rows) for name in figures}
    whole = costing.mapped(design, "array").netlist(costing.library)
    rows += [
        rows[0] | {"block": "all blocks", "count": 1, "terms": ""} | total,
        _row(costing, f"{design.name} as a whole", 1, whole, total["least_um2"], {}),
    ]
    exact = baseline_of(design)
    for build in builds(exact):
        terms = array_terms(spec.width) if build == "array" else {}
        least = area(terms, areas) if terms else None
        netlist = costing.mapped(exact, build).netlist(costing.library)
        rows.append(_row(costing, f"{exact.name}, {build}", 1, netlist, least, terms))
    smallest = min(row["area_um2"] for row in rows[-len(builds(exact)) :])
    return [
        {"design": design.name} | row | {"share": 100 * row["area_um2"] / smallest} for row in rows
    ]


def breakdowns(costing: Costing, designs: Sequence[AnyDesign | Spec | str]) -> list[list[dict]]:
    """Return the breakdown of each design; they are found side by side."""
    with workers() as pool:
        return [*pool.map(functools.partial(breakdown, costing), designs)]


def savings(rows: Sequence[Mapping]) -> tuple[float, float, float]:
    """Return what a breakdown's multiplier saves, in percent of the exact one's area.

    As mapped, of the smaller exact one; were it its least, of the same; were the exact array its
    least too.
    """
    *_, total, whole, array, booth = rows
    smallest = min(array["area_um2"], booth["area_um2"])
    pairs = (
        (whole["area_um2"], smallest),
        (total["least_um2"], smallest),
        (total["least_um2"], array["least_um2"]),
    )
    return tuple(100 * (1 - ours / exact) for ours, exact in pairs)


def _row(
    costing: Costing,
    block: str,
    count: int,
    netlist: Netlist,
    least: float | None,
    terms: Mapping[str, int],
) -> dict:
    inverters = (i.cell.area for i in netlist.instances if len(i.cell.inputs) == 1)
    return {
        "block": block,
        "count": count,
        "area_um2": count * netlist.area,
        "gate_equivalents": count * netlist.area / costing.library.nand2.area,
        "share": None,
        "inverter_um2": count * sum(inverters),
        "least_um2": least,
        "terms": ", ".join(f"{number} {term}" for term, number in terms.items()).replace("_", " "),
    }
