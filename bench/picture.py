"""The benchmark's picture: products a second of every spec, against the exact layer."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mbm_hw.files import replacing


def plot_ratios(rows: Sequence[dict], path: Path) -> None:
    """Draw bars of products a second: a row of axes for each instruction set, a column each layer.

    Of the batches and thread counts timed, the smallest batch and the fewest threads are drawn. The
    black line is PyTorch's exact float32 layer in the same run, the dotted one the best that any
    exact layer reached: the machine's roof for a multiply-add.
    """
    least = {key: min(row[key] for row in rows) for key in ("batch", "threads")}
    rows = [row for row in rows if all(row[key] == value for key, value in least.items())]
    isas, layers, names = (
        list(dict.fromkeys(r[key] for r in rows)) for key in ("isa", "layer", "spec")
    )
    names.remove("exact fp32")
    figure = Figure(
        (2.6 * len(layers) + 1.5, 0.22 * len(names) * len(isas) + 1.5), layout="constrained"
    )
    grid = figure.subplots(len(isas), len(layers), squeeze=False, sharey=True, sharex="row")
    colours = matplotlib.colormaps["tab20"].colors
    for isa, line in zip(isas, grid, strict=True):
        rates = {
            (r["layer"], r["spec"]): r["products_per_second"] / 1e9 for r in rows if r["isa"] == isa
        }
        roof = max(rates[layer, "exact fp32"] for layer in layers)
        for layer, axes in zip(layers, line, strict=True):
            values = [rates.get((layer, name), np.nan) for name in names]
            axes.barh(range(len(names)), values, color=[colours[i % 20] for i in range(len(names))])
            axes.axvline(rates[layer, "exact fp32"], color="black", linewidth=1.2)
            axes.axvline(roof, color="black", linewidth=0.8, linestyle=":")
            axes.set_yticks(range(len(names)), names, fontsize=7)
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.set_title(f"{isa}: {layer}", fontsize=8)
            axes.set_xlabel("G products/s", fontsize=7)
            axes.tick_params(axis="x", labelsize=7)
    figure.suptitle(
        f"batch {least['batch']}, {least['threads']} thread(s); line: exact fp32, dotted: its best"
    )
    with replacing(path, "wb") as file:
        figure.savefig(file, format="png", dpi=120)
