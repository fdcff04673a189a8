"""Scoring variants of a network on the same images, and measuring what each of them takes."""

import contextlib
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from mbm_hw.studies.devices import device_of, wait_for
from mbm_hw.studies.evaluation import Evaluation
from mbm_hw.studies.forward_errors import naming_layers
from mbm_hw.studies.memory import reset_peak, resident_bytes
from mbm_hw.studies.output_error import OutputError
from mbm_hw.studies.prefix import SharedPrefix

MEASURED = frozenset({"seconds", "products_per_second", "peak_mib"})
"""The columns that differ from run to run."""


@dataclass(frozen=True)
class Scored:
    """rows : of each image, see `Batch.score`. outputs : the network's, of each forward."""

    rows: list[dict[str, Any]]
    outputs: list[Any]


class Batch:
    """Images on which variants of one network are scored in turn, and what the variants share.

    evaluation : how they are scored. samples : an (image, target) each. network : the exact one.
    multiplications : for one image, of each layer that is approximate in any of the variants, in
        the order in which the layers run.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        samples: Sequence[tuple],
        network: nn.Module,
        multiplications: Mapping[str, int],
    ):
        images, self.targets = zip(*samples, strict=True)
        self.images = torch.stack(images)
        self.evaluation, self.network = evaluation, network
        self.multiplications = multiplications
        self.prefix = SharedPrefix()
        self._layer, self._layer_outputs = None, {}

    @functools.cached_property
    def exact(self) -> Scored:
        """The exact network's score; its forwards are run once, whoever needs them."""
        return self._scored(self.network, (), 0)

    def score(
        self,
        network: nn.Module,
        layers: Sequence[str],
        multiplications: Mapping[str, int] | None = None,
    ) -> Scored:
        """Score the variant `network`, which is approximate in `layers`.

        multiplications : of each layer as the variant has it; None for those of the exact network.

        A row has

        the scores of the evaluation;
        seconds : of the image's share of the forwards, each as if nothing of it had been known;
        multiplications : approximate ones, for the image, in one forward;
        products_per_second : the approximate ones over the seconds within their layers;
        layer_sqnr_db, layer_max_error : see `OutputError`: of the output of the layer, where it is
            one only, against the exact layer's for the same input, in its first call of a forward;
        output_sqnr_db, output_max_error : of the network's output against the exact network's;
        peak_mib : the process's peak of resident memory while the batch was scored, in MiB.

        None stands for what does not apply, or what the system does not tell.
        """
        counts = multiplications or self.multiplications
        return self._scored(network, layers, sum(map(counts.get, layers)), self.exact.outputs)

    def exact_layer_output(self, layer: str, number: int, *inputs, **keywords) -> Tensor:
        """Return what the exact `layer` gives for its inputs in forward `number`.

        Until another layer is asked for it is the same for all variants, and computed once.
        """
        if layer != self._layer:
            self._layer, self._layer_outputs = layer, {}
        if number not in self._layer_outputs:
            self._layer_outputs[number] = self.network.get_submodule(layer)(*inputs, **keywords)
        return self._layer_outputs[number]

    @torch.inference_mode()
    def _scored(self, network, layers, multiplications, exact_outputs=None) -> Scored:
        run = _Run(self, network, layers)
        reset_peak()
        with run.watching():
            scores = self.evaluation.scores(run, self.images, self.targets)
        peak, count = resident_bytes(), len(self.images)
        output_error = OutputError(count)
        if exact_outputs is not None:
            output_error.add(run.outputs, exact_outputs)
        products = multiplications * count * len(run.outputs)
        measured = {
            "seconds": run.seconds / count,
            "multiplications": multiplications,
            "products_per_second": products / run.layer_seconds if products else None,
            "peak_mib": None if peak is None else peak / 2**20,
        }
        errors = run.layer_error.columns("layer"), output_error.columns("output")
        rows = [score | measured | a | b for score, a, b in zip(scores, *errors, strict=True)]
        return Scored(rows, run.outputs)


class _Run:
    """A variant while it is scored: what the evaluation calls in its stead."""

    def __init__(self, batch: Batch, network: nn.Module, layers: Sequence[str]):
        self.batch, self.network, self.layers = batch, network, layers
        self.device = device_of(network)
        self.first = min(layers or batch.multiplications, key=list(batch.multiplications).index)
        self.outputs, self.reached = [], set()
        self.seconds = self.layer_seconds = 0.0
        self.layer_error = OutputError(len(batch.images))

    def __call__(self, images: Tensor):
        self.has_compared = len(self.layers) != 1
        number = len(self.outputs)
        images = images.to(self.device)
        with naming_layers("the network", self.network):
            output, seconds = self.batch.prefix.forward(number, self.network, self.first, images)
        output = tree_map_only(Tensor, lambda t: t.to("cpu", copy=True), output)
        self.outputs.append(output)
        self.seconds += seconds
        return output

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Within the block, time the calls of the approximate layers, and compare their output."""
        handles = []
        for layer in map(self.network.get_submodule, self.layers):
            handles.append(layer.register_forward_pre_hook(self._begin))
            handles.append(layer.register_forward_hook(self._end, with_kwargs=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
        self._check_reached()

    def _check_reached(self):
        """Raise a ValueError if an approximate layer did not run, though it did on image 0."""
        for name in self.layers:
            if self.network.get_submodule(name) not in self.reached:
                raise ValueError(
                    f"layer {name!r} does not run, but it does on image 0: a study is of networks "
                    "that run the same layers for every image"
                )

    def _begin(self, layer, inputs):
        wait_for(self.device)
        self.began = time.perf_counter()

    def _end(self, layer, inputs, keywords, output):
        wait_for(self.device)
        ended = time.perf_counter()
        self.layer_seconds += ended - self.began
        self.reached.add(layer)
        if not self.has_compared:
            self.has_compared = True
            exact = self.batch.exact_layer_output(
                self.first, len(self.outputs), *inputs, **keywords
            )
            self.layer_error.add(output, exact)
            self.seconds -= time.perf_counter() - ended
