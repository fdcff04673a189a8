"""How a network's outputs become scores, an image at a time, and how scores are averaged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mbm_hw.studies.metrics import PROTOCOLS, depth_from_output, depth_metrics


class Evaluation:
    """One way to score a network.

    metrics : the scores' names; `higher_is_better` : those of them where it is.
    headline : the metric that pictures show.
    """

    metrics: tuple[str, ...]
    higher_is_better: frozenset[str]
    headline: str

    def scores(self, network: nn.Module, images: Tensor, targets: Sequence) -> list[dict]:
        """Return the scores of each image; images float32 [N, C, H, W] in [0, 1]."""
        raise NotImplementedError

    def average(self, scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Return the metrics over all images, given the scores of each."""
        return {name: float(np.mean([row[name] for row in scores])) for name in self.metrics}


class Classification(Evaluation):
    """top1 : share of right labels, 0 to 1. cross_entropy : of the right label, nats."""

    metrics = ("top1", "cross_entropy")
    higher_is_better = frozenset({"top1"})
    headline = "top1"

    def scores(self, network, images, targets):
        logits, labels = network(images), torch.as_tensor(targets)
        loss = functional.cross_entropy(logits, labels, reduction="none").tolist()
        right = (logits.argmax(1) == labels).tolist()
        return [{"top1": float(r), "cross_entropy": c} for r, c in zip(right, loss, strict=True)]


@dataclass(frozen=True)
class Depth(Evaluation):
    """The six metrics of monocular depth in one of `mbm_hw.studies.metrics.PROTOCOLS`.

    The network gives 10 / depth in metres at half the size of its input.
    """

    protocol: str = "per_image"
    metrics = ("a1", "a2", "a3", "rel", "rms", "log_10")
    higher_is_better = frozenset({"a1", "a2", "a3"})
    headline = "a1"

    def predict(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return the depths in metres, [N, H, W]."""
        depth = depth_from_output(network(images))
        if PROTOCOLS[self.protocol].flip:
            mirrored = depth_from_output(network(images.flip(3)))
            depth = (depth + mirrored.flip(2)) / 2
        return depth

    def scores(self, network, images, targets):
        predictions = self.predict(network, images)
        return [
            depth_metrics(prediction, target) | {"pixels": int(np.count_nonzero(target))}
            for prediction, target in zip(predictions, targets, strict=True)
        ]

    def average(self, scores):
        if not PROTOCOLS[self.protocol].pooled:
            return super().average(scores)
        pixels = [row["pixels"] for row in scores]
        squares = np.average([row["rms"] ** 2 for row in scores], weights=pixels)
        means = {
            name: float(np.average([row[name] for row in scores], weights=pixels))
            for name in self.metrics
        }
        return means | {"rms": float(squares**0.5)}


EVALUATIONS = {
    "classification": Classification(),
    "depth": Depth(),
    **{f"depth_{name}": Depth(name) for name in PROTOCOLS if name != "per_image"},
}
