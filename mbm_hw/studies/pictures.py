"""A study's pictures: the metric of every layer set, and depth predictions side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure

from mbm_hw.studies.cases import Case
from mbm_hw.studies.description import FLOAT
from mbm_hw.studies.evaluation import Depth
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.summary import Summary
from mbm_hw.system.files import replacing

COLOURS = matplotlib.colormaps["tab10"].colors
LEAST_SPAN = 0.02  # of a metric's axis


def plot_layers(run: StudyRun, summaries: Sequence[Summary], path: str | Path) -> Path:
    """Draw the headline metric of every multiplier in every layer set, float as a line."""
    metric = run.evaluation.headline
    sets = list(run.layer_sets)
    float_value = next(s.averages[metric] for s in summaries if s.spec == FLOAT)
    values = {(s.multiplier, s.layer_set): s.averages[metric] for s in summaries}
    names = list(dict.fromkeys(s.multiplier for s in summaries if s.spec != FLOAT))
    figure = Figure((9, 1.6 + 0.32 * len(sets)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(float_value, color="black", linewidth=1, label="exact float")
    offsets = np.linspace(-0.22, 0.22, len(names)) if len(names) > 1 else [0.0]
    for name, colour, offset in zip(names, _colours(len(names)), offsets, strict=True):
        heights = np.arange(len(sets)) + offset
        points = [values.get((name, layer_set), np.nan) for layer_set in sets]
        axes.hlines(heights, float_value, points, color=colour, linewidth=1.5, alpha=0.5)
        axes.plot(points, heights, "o", color=colour, markersize=5, label=name)
    low, high = axes.get_xlim()
    if high - low < LEAST_SPAN:  # or a difference of one image would look large
        axes.set_xlim((low + high - LEAST_SPAN) / 2, (low + high + LEAST_SPAN) / 2)
    axes.set_yticks(range(len(sets)), sets)
    axes.set_ylim(len(sets) - 0.4, -0.6)
    better = "higher" if metric in run.evaluation.higher_is_better else "lower"
    axes.set_xlabel(f"{metric} ({better} is better), {len(run.dataset)} images")
    axes.set_title(f"{_name(run)}: approximate multipliers, by layer")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return _save(figure, path)


def plot_errors(errors: Mapping, path: str | Path) -> Path:
    """Draw how the relative errors of the multipliers are distributed; errors: `multiplier_errors`.

    A panel for each, on one axis; the line is the mean.
    """
    multipliers, edges = errors["multipliers"], np.asarray(errors["edges"])
    figure = Figure((7, 0.8 + 1.1 * max(len(multipliers), 1)), layout="constrained")
    panels = figure.subplots(max(len(multipliers), 1), 1, squeeze=False, sharex=True)[:, 0]
    for axes, (name, found), colour in zip(
        panels, multipliers.items(), _colours(len(multipliers)), strict=False
    ):
        axes.stairs(100 * np.asarray(found["histogram"]), edges, fill=True, color=colour)
        axes.axvline(found["bias"], color="black", linewidth=1)
        axes.set_title(
            f"{name}: mean {found['bias']:+.2f} %, mean of magnitudes {found['mred']:.2f} %",
            fontsize=9,
        )
        axes.set_ylabel("pairs, %", fontsize=8)
        axes.grid(axis="x", alpha=0.3)
    panels[-1].set_xlabel("relative error of a product in percent, uniform operands")
    return _save(figure, path)


def plot_depth(run: StudyRun, path: str | Path) -> Path:
    """Draw image, true depth, the exact and each approximate prediction, and their difference.

    The approximate ones are those of the last layer set, by default all layers together, and of the
    study's first algorithm.
    """
    if not isinstance(run.evaluation, Depth):
        raise ValueError(f"{run.study.name} does not measure depth")
    samples = [run.dataset[i] for i in run.pictured_images]
    layer_set, layers = list(run.layer_sets.items())[-1]
    depths = {case.spec_name: _predictions(run, case, samples) for case in run.pictured_cases}
    exact = depths[FLOAT]
    approximate = [name for name in map(run.study.name_of, run.study.specs) if name in depths]
    titles = ["image", "true depth", "exact float"]
    for name in approximate:
        titles += [f"{name}\n{layer_set} ({len(layers)} layers)", f"{name}\n- exact float"]
    figure = Figure((2.1 * len(titles), 1.75 * len(samples) + 1.0), layout="constrained")
    grid = figure.subplots(len(samples), len(titles), squeeze=False)
    differences = [depths[name] - exact for name in approximate]
    error = max(float(np.quantile(np.abs(differences), 0.99)), 1e-3)
    for row, (axes, (image, target)) in enumerate(zip(grid, samples, strict=True)):
        known = target[target > 0] if (target > 0).any() else exact[row]
        near, far = known.min(), known.max()
        scale = {"cmap": "viridis_r", "vmin": near, "vmax": far}
        axes[0].imshow(image.permute(1, 2, 0).numpy())
        axes[1].imshow(np.where(target > 0, target, np.nan), **scale)
        shown = axes[2].imshow(exact[row], **scale)
        for i, name in enumerate(approximate):
            axes[3 + 2 * i].imshow(depths[name][row], **scale)
            signed = {"cmap": "RdBu_r", "vmin": -error, "vmax": error}
            last = axes[4 + 2 * i].imshow(differences[i][row], **signed)
        figure.colorbar(shown, ax=axes[2], label="m")
        figure.colorbar(last, ax=axes[-1], label="m")
    for axes, title in zip(grid[0], titles, strict=True):
        axes.set_title(title, fontsize=9)
    for axes in grid.flat:
        axes.set_axis_off()
    figure.suptitle(f"{_name(run)}: predicted depth in metres")
    return _save(figure, path)


def _predictions(run: StudyRun, case: Case, samples) -> np.ndarray:
    """Return the depths of the pictured images in metres, [N, H, W]."""
    outputs = iter([output for index in range(len(samples)) for output in run.outputs(case, index)])
    depths = [run.evaluation.predict(lambda _: next(outputs), image[None]) for image, _ in samples]
    return torch.cat(depths).numpy()


def plot_operations(rows: Sequence[Mapping], path: str | Path) -> Path:
    """Draw the multiplications of every layer, one panel for each network; rows: `operation_rows`.

    The panels share their logarithmic axis, so that layers compare across networks.
    """
    networks = list(dict.fromkeys(row["network"] for row in rows))
    counts = {name: [r for r in rows if r["network"] == name] for name in networks}
    longest = max(map(len, counts.values()))
    figure = Figure((6.5 * len(networks), 1.4 + 0.15 * longest), layout="constrained")
    panels = figure.subplots(1, len(networks), squeeze=False, sharex=True)[0]
    for axes, (name, layers), colour in zip(panels, counts.items(), COLOURS, strict=False):
        values = [row["multiplications"] for row in layers]
        axes.barh(range(len(layers)), values, color=colour, log=True)
        axes.set_yticks(range(len(layers)), [row["layer"] for row in layers], fontsize=6)
        axes.set_ylim(len(layers) - 0.4, -0.6)
        axes.set_title(f"{name}: {sum(values):,} multiplications", fontsize=9)
        axes.set_xlabel("multiplications per image")
        axes.grid(axis="x", alpha=0.3)
    return _save(figure, path)


def _name(run: StudyRun) -> str:
    random = f" (weights {run.study.weights_name})" if run.study.has_random_weights else ""
    return f"{run.study.name}{random}"


def _colours(count: int) -> list:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def _save(figure: Figure, path: str | Path) -> Path:
    with replacing(path, "wb") as file:
        figure.savefig(file, format="png", dpi=130)
    return Path(path)
