"""Pictures of the atlas: a figure of every multiplier over the energy of an operation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from mbm_hw.atlas.points import EXACT, SWEPT, WIDTHS
from mbm_hw.system.files import replacing

COLOURS = matplotlib.colormaps["tab10"].colors
MARKERS = "osD^v"


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which (cost, error) no other point dominates, by rising cost.

    A point dominates another if neither of its numbers is larger, and one is smaller.
    """
    best, chosen = float("inf"), []
    for index in sorted(range(len(points)), key=lambda i: points[i]):
        if points[index][1] < best:
            best = points[index][1]
            chosen.append(index)
    return chosen


def front_rows(
    rows: Sequence[Mapping], energy: str, figure: str, *, higher_is_better: bool = False
) -> list[Mapping]:
    """Return the rows on the front of the integer multipliers, exact ones among them.

    energy, figure : columns. Rows without one of the two are not on the front.
    """
    sign = -1 if higher_is_better else 1
    integers = [
        row
        for row in rows
        if not row["is_float"] and row[energy] is not None and row[figure] is not None
    ]
    return [integers[i] for i in front([(r[energy], sign * r[figure]) for r in integers])]


def plot_over_energy(
    rows: Sequence[Mapping],
    energy: str,
    figure: str,
    label: str,
    path: str | Path,
    *,
    higher_is_better: bool = False,
) -> Path | None:
    """Draw the column `figure`, called `label`, over the column `energy`, a panel for each width.

    The line is the Pareto front of a panel's integer multipliers, exact ones among them; those on
    it have names. An error is drawn on a
    logarithmic axis, a score on a linear one. Rows without one of the two columns are left out;
    nothing is drawn, and None returned, if none is left.
    """
    drawn = [row for row in rows if row[energy] is not None and row[figure] is not None]
    widths = [width for width in WIDTHS if any(row["width"] == width for row in drawn)]
    if not widths:
        return None
    families = list(dict.fromkeys(row["family"] for row in drawn if row["origin"] != EXACT))
    style = {
        name: (COLOURS[i % len(COLOURS)], MARKERS[i // len(COLOURS)])
        for i, name in enumerate(families)
    }
    picture = Figure((6.2 * len(widths) + 2.2, 6.2), layout="constrained")
    panels = picture.subplots(1, len(widths), squeeze=False)[0]
    for axes, width in zip(panels, widths, strict=True):
        here = [row for row in drawn if row["width"] == width]
        _draw(axes, here, energy, figure, style, higher_is_better)
        axes.set_title(f"{width} bits")
        axes.set_xlabel("energy of an operation, pJ")
        axes.set_ylabel(label)
    picture.legend(handles=_legend(style), loc="outside right upper", fontsize=8, frameon=False)
    with replacing(path, "wb") as file:
        picture.savefig(file, dpi=120, format="png")
    return Path(path)


def _draw(axes, rows, energy, figure, style, higher_is_better):
    exact = [row for row in rows if row["origin"] == EXACT]
    for row in rows:
        if row["origin"] != EXACT:
            colour, marker = style[row["family"]]
            face = "none" if row["origin"] == SWEPT or row["is_float"] else colour
            axes.plot(row[energy], row[figure], marker, color=colour, mfc=face, markersize=6)
    axes.set_xscale("log")
    if higher_is_better:
        for row in exact:
            axes.plot(row[energy], row[figure], "*", color="black", markersize=10)
    else:
        axes.set_yscale("log")
        for row in exact:
            axes.axvline(row[energy], color="black", linewidth=0.7, linestyle=":")
    chosen = front_rows(rows, energy, figure, higher_is_better=higher_is_better)
    shown = [row for row in chosen if row[figure] or higher_is_better]  # no log of 0
    costs, values = ([row[name] for row in shown] for name in (energy, figure))
    axes.step(costs, values, where="post", color="black", linewidth=1, zorder=0)
    for i, (row, *at) in enumerate(zip(shown, costs, values, strict=True)):
        offset = 5, (5, -11)[i % 2]  # by turns, since neighbours are near
        axes.annotate(row["multiplier"], at, offset, textcoords="offset points", fontsize=7)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(alpha=0.3, which="both")


def _legend(style):
    def dot(label, **how):
        return Line2D([], [], linestyle="", label=label, **how)

    families = [dot(name, marker=marker, color=colour) for name, (colour, marker) in style.items()]
    return [
        *families,
        dot("hollow: sweep, or float", marker="o", color="grey", mfc="none"),
        dot("exact (errors: dotted lines)", marker="*", color="black"),
        Line2D([], [], color="black", linewidth=1, label="Pareto front"),
    ]
