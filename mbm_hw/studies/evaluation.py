"""How a network's outputs become scores, an image at a time, and how scores are averaged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mbm_hw.studies.metrics import EIGEN_CROP, depth_from_output, depth_metrics


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

    @torch.inference_mode()
    def evaluate(self, network: nn.Module, dataset, batch: int = 8) -> dict[str, float]:
        """Return the metrics of `network`, as it is, over a `Dataset`, `batch` images at a time.

        Every image counts, those of a last smaller batch too.
        """
        scores = []
        for start in range(0, len(dataset), batch):
            samples = [dataset[i] for i in range(start, min(start + batch, len(dataset)))]
            images, targets = zip(*samples, strict=True)
            scores += self.scores(network, torch.stack(images), targets)
        return self.average(scores)


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
    """The six metrics of monocular depth; see `depth_metrics`.

    The network gives 10 / depth in metres at half the size of its input.

    flip : average the prediction with the mirrored prediction of the mirrored image.
    pooled : all pixels of all images in one score, instead of the mean of the images' scores.
    crop : rows and columns that are scored, of prediction and target alike; None for all.
    """

    flip: bool = False
    pooled: bool = False
    crop: tuple[slice, slice] | None = None
    metrics = ("a1", "a2", "a3", "rel", "rms", "log_10")
    higher_is_better = frozenset({"a1", "a2", "a3"})
    headline = "a1"

    def predict(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return the depths in metres, [N, H, W]."""
        depth = depth_from_output(network(images))
        if self.flip:
            mirrored = depth_from_output(network(images.flip(3)))
            depth = (depth + mirrored.flip(2)) / 2
        return depth

    def scores(self, network, images, targets):
        return [
            self.score(prediction, target)
            for prediction, target in zip(self.predict(network, images), targets, strict=True)
        ]

    def score(self, prediction, target) -> dict[str, float]:
        """Return the metrics of one image, depths [H, W] in metres, and the pixels that counted."""
        if self.crop is not None:
            prediction, target = prediction[self.crop], target[self.crop]
        pixels = np.ma.masked_equal(np.asanyarray(target), 0).count()
        return depth_metrics(prediction, target) | {"pixels": int(pixels)}

    def average(self, scores):
        if not self.pooled:
            return super().average(scores)
        pixels = [row["pixels"] for row in scores]

        def mean(values):
            return float(np.average(list(values), weights=pixels))

        means = {name: mean(row[name] for row in scores) for name in self.metrics}
        return means | {"rms": mean(row["rms"] ** 2 for row in scores) ** 0.5}


# By name, as study files say it. Ref: the variants in use for NYU Depth v2: the mean over images
# without flip; with flip, as DenseDepth's TensorFlow script; all pixels pooled, with flip. _eigen:
# 480x640, scored on the crop of D. Eigen et al., 2014.
EVALUATIONS = {
    "classification": Classification(),
    **{
        f"depth{protocol}{region}": Depth(**options, crop=crop)
        for region, crop in (("", None), ("_eigen", EIGEN_CROP))
        for protocol, options in (
            ("", {}),
            ("_flip", {"flip": True}),
            ("_pooled_flip", {"flip": True, "pooled": True}),
        )
    },
}
