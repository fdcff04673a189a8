"""The benchmark's picture: products a second of every spec, against the exact layer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bench.bounds import bound
from mbm_hw.system.files import replacing

# By what the products come from.
COLOURS = {
    "table": "tab:blue",
    "floating-point patterns": "tab:orange",
    "float": "tab:green",
    "": "tab:gray",
}


def plot_rates(rows: Sequence[dict], path: Path) -> None:
    """Draw bars of products a second: a row of axes for each instruction set, a column each layer.

    Of the batches and thread counts timed, the least that a layer was timed with are drawn. The
    black line is PyTorch's exact float32 layer in the same run, the dotted one the best that any
    exact layer reached: the machine's roof. A red mark is what a kernel's instructions allow.
    """
    rows = [row for row in rows if _is_least(row, rows)]
    isas, layers, names = (
        list(dict.fromkeys(r[key] for r in rows)) for key in ("isa", "layer", "spec")
    )
    names.remove("exact fp32")
    size = 2.3 * len(layers) + 2.2, (0.24 * len(names) + 0.9) * len(isas) + 1.3
    figure = Figure(size, layout="constrained")
    grid = figure.subplots(len(isas), len(layers), squeeze=False, sharey=True)
    for isa, line in zip(isas, grid, strict=True):
        found = {(r["layer"], r["spec"]): r for r in rows if r["isa"] == isa}
        rate = {key: row["products_per_second"] / 1e9 for key, row in found.items()}
        roof = max(value for (_, spec), value in rate.items() if spec == "exact fp32")
        for layer, axes in zip(layers, line, strict=True):
            _draw(axes, layer, names, found, rate, roof, isa)
            if isa == isas[0]:
                batch_and_threads = found.get((layer, "exact fp32"), rows[0])
                axes.set_title(_title(layer, batch_and_threads), fontsize=9)
        line[0].set_ylabel(isa, fontsize=12, fontweight="bold")
    for axes in grid[-1]:
        axes.set_xlabel("G products/s", fontsize=8)
    figure.suptitle(
        "Products a second, float32 in to float32 out\n"
        "black: exact fp32 here; dotted: its best, the roof; red: what the instructions allow\n"
        "blue: tables, orange: patterns of integers, green: floats, grey: others; "
        "a number is the ratio of times to exact fp32",
        fontsize=10,
    )
    with replacing(path, "wb") as file:
        figure.savefig(file, format="png", dpi=110)


def _is_least(row, rows):
    same = [r for r in rows if (r["isa"], r["layer"]) == (row["isa"], row["layer"])]
    return all(row[key] == min(r[key] for r in same) for key in ("batch", "threads"))


def _title(layer, row):
    return f"{layer}\nbatch {row['batch']}, {row['threads']} thread(s)"


def _draw(axes, layer, names, found, rate, roof, isa):
    values = [rate.get((layer, name), np.nan) for name in names]
    kernels = [found.get((layer, name), {}).get("kernel", "") for name in names]
    colours = [next(c for text, c in COLOURS.items() if text in kernel) for kernel in kernels]
    axes.barh(range(len(names)), values, color=colours, height=0.75)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1.05 * roof)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)
    axes.axvline(roof, color="black", linewidth=1, linestyle=":")
    if (layer, "exact fp32") not in rate:
        axes.text(0.5, 0.5, "not timed", transform=axes.transAxes, ha="center", fontsize=8)
        return
    axes.axvline(rate[layer, "exact fp32"], color="black", linewidth=1.3)
    for i, name in enumerate(names):
        if (layer, name) not in rate:
            continue
        highest = bound(isa, name, roof)
        if highest is not None:
            axes.plot([highest] * 2, [i - 0.4, i + 0.4], color="red", linewidth=1.5)
        axes.text(
            1.04 * roof,
            i,
            f"{found[layer, name]['ratio']:.1f}",
            fontsize=7,
            ha="right",
            va="center",
        )
