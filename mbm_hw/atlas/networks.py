"""Networks under the multipliers of the atlas: one study each, all its layers together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mbm_hw.atlas.points import LIBRARY, Point
from mbm_hw.multipliers import Spec
from mbm_hw.ops.algorithms import DIRECT
from mbm_hw.ops.cpu_kernels import kernel_name
from mbm_hw.studies.description import FLOAT, Layers, Study, read_study
from mbm_hw.studies.run import StudyRun
from mbm_hw.studies.store import Store
from mbm_hw.studies.summary import Summary, summarize


def atlas_study(file: str | Path, data: str | Path | None, points: Sequence[Point]) -> Study:
    """Return the study of a file with the multipliers of the atlas in its stead, in all layers.

    Points without a network multiplier, or without a kernel for it, are left out.
    """
    specs = {p.network: p for p in points if not unable(p)}
    names = {spec: point.name for spec, point in specs.items() if point.origin == LIBRARY}
    layers = Layers(each=False)
    study = read_study(file, data)
    return replace(study, specs=tuple(specs), names=names, layers=layers, algorithms=(DIRECT,))


def unable(point: Point) -> str:
    """Return why no network can use a point; empty if one can."""
    if point.network is None:
        return "Networks need signed operands, which the family has not."
    try:
        kernel_name(point.network)
    except ValueError as error:
        return f"No network: {error}."
    return ""


@dataclass(frozen=True)
class NetworkFigures:
    """What a network's study found.

    name : the study's. metric : its headline. higher_is_better : of the metric.
    description : a sentence on network, data and weights. exact_float : the metric without any
        approximate layer. weights : the sha256 of the weights. versions : see `StudyRun.versions`.
    """

    name: str
    metric: str
    higher_is_better: bool
    description: str
    exact_float: float
    weights: str
    versions: dict[str, str]
    _summaries: dict[str, Summary]
    _names: dict[Spec, str]

    @property
    def column(self) -> str:
        """The name of the metric in a row of the atlas."""
        return f"{self.name}_{self.metric}"

    def columns(self, point: Point) -> dict:
        """Return a row's columns; None for points that the study leaves out.

        NAME_METRIC : the value. NAME_change : its change in percent against the exact multiplier of
        the same format; None for that one. NAME_is_noise : whether that may be chance.
        """
        summary = self._summaries.get(self._names.get(point.network))
        change = summary.changes.get(self.metric) if summary else None
        return {
            self.column: summary.averages[self.metric] if summary else None,
            f"{self.name}_change": change.percent if change else None,
            f"{self.name}_is_noise": change.is_noise if change else None,
        }


def network_figures(run: StudyRun, store: Store) -> NetworkFigures:
    """Return what a finished study found; a KeyError or ValueError if rows are missing."""
    study, metric = run.study, run.evaluation.headline
    summaries = {s.spec: s for s in summarize(study, run.finished(store, run.units))}
    images = len(run.dataset)
    return NetworkFigures(
        name=study.name,
        metric=metric,
        higher_is_better=metric in run.evaluation.higher_is_better,
        description=(
            f"{study.network}, {images} images ({study.data['kind']}), weights "
            f"{study.weights_name}. {run.coverage}."
        ),
        exact_float=summaries[FLOAT].averages[metric],
        weights=run.identity["weights"],
        versions=run.versions,
        _summaries=summaries,
        _names={spec: study.name_of(spec) for spec in study.all_specs},
    )
