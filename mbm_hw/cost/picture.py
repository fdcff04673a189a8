"""The picture of cost against error: area and energy of the 8- and 16-bit designs over MRED."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from mbm_hw.hdl import find_design
from mbm_hw.hdl.designs import Design
from mbm_hw.multipliers import Mitchell
from mbm_hw.multipliers.published import TABLE_I
from mbm_hw.system.files import replacing

WIDTHS = (8, 16)
_KINDS = (  # which designs, their colour, marker and name
    (lambda spec: not spec.signed, "tab:blue", "o", "unsigned"),
    (lambda spec: spec.signed, "tab:orange", "s", "signed"),
)


def plot_cost(rows: Sequence[Mapping], path: str | Path) -> Path:
    """Draw area, and energy with glitches where the rows have it, in percent of the exact one's.

    Combinational integer designs of WIDTHS; the paper's figures beside them. A width without
    designs is left out; nothing is drawn, and None returned, if there are none.
    """
    drawn = [row for row in rows if _is_drawn(row)]
    widths = [w for w in WIDTHS if any(find_design(r["design"]).spec.width == w for r in drawn)]
    figures = [("area_um2", "area", "area_um2")]
    if rows and "energy_uniform_glitch_pj" in rows[0]:
        figures.append(("energy_uniform_glitch_pj", "energy with glitches", "power_uw"))
    if not widths:
        return None
    figure = Figure((5.6 * len(widths), 4.2 * len(figures)), layout="constrained")
    grid = figure.subplots(len(figures), len(widths), squeeze=False)
    for line, (name, label, published) in zip(grid, figures, strict=True):
        for axes, width in zip(line, widths, strict=True):
            here = [row for row in drawn if find_design(row["design"]).spec.width == width]
            _draw(axes, here, name, published, width)
            axes.set_title(f"{width} bits: {label}")
            axes.set_ylabel("percent of the exact multiplier's")
    for axes in grid[-1]:
        axes.set_xlabel("MRED, percent")
    grid[0][-1].legend(loc="upper right", fontsize=8)
    with replacing(path, "wb") as file:
        figure.savefig(file, dpi=120, format="png")
    return Path(path)


def _is_drawn(row: Mapping) -> bool:
    design = find_design(row["design"])
    is_combinational = isinstance(design, Design) and not design.is_clocked
    return is_combinational and not design.spec.is_float and not row["build"]


def _draw(axes, rows, name, published, width):
    axes.axhline(100, color="black", linewidth=1, label="exact, the better of its two builds")
    for chosen, colour, marker, label in _KINDS:
        points = [row for row in rows if chosen(find_design(row["design"]).spec)]
        x = [row["mred"] for row in points]
        y = [100 - row[f"{name}_saved"] for row in points]
        axes.plot(x, y, marker, color=colour, label=f"{label}, ours")
        if not chosen(Mitchell(width)):
            for i, row in enumerate(sorted(points, key=lambda row: row["mred"])):
                at = row["mred"], 100 - row[f"{name}_saved"]
                offset = 5, (4, -12)[i % 2]  # by turns, since neighbours are near
                axes.annotate(row["design"], at, offset, textcoords="offset points", fontsize=7)
            continue
        array = [100 - row[f"{name}_saved_array"] for row in points]
        axes.plot(x, array, marker, color=colour, mfc="none", label=f"{label}, of the array")
        _label(axes, points, x, y)
    exact = next(row for row in TABLE_I if row.spec == f"exact{width}")
    paper = [r for r in TABLE_I if r.bias is not None and f"{width}" in r.spec.partition("_")[0]]
    y = [100 * getattr(row, published) / getattr(exact, published) for row in paper]
    axes.plot([row.mred for row in paper], y, "^", color="tab:green", label="unsigned, the paper")
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    axes.set_xlim(0, 1.2 * axes.get_xlim()[1])
    axes.grid(alpha=0.3)


def _label(axes, rows, x, y):
    """Name the points; of those that share an MRED, the highest and the lowest."""
    for row, a, b in zip(rows, x, y, strict=True):
        near = [other for c, other in zip(x, y, strict=True) if abs(c - a) < 0.1]
        if b in (min(near), max(near)):
            axes.annotate(
                row["design"], (a, b), (-6, -3), textcoords="offset points", fontsize=7, ha="right"
            )
