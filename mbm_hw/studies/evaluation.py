"""How a network's outputs become scores, an image at a time, and how scores are averaged."""

import numbers
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
    right_or_wrong : those that are 1 or 0 for an image. headline : the metric that pictures show.
    """

    right_or_wrong: frozenset[str] = frozenset()
    metrics: tuple[str, ...]
    higher_is_better: frozenset[str]
    headline: str

    def scores(self, network: nn.Module, images: Tensor, targets: Sequence) -> list[dict]:
        """Return the scores of each image; images float32 [N, C, H, W] in [0, 1].

        The network is given copies, which it may change in place. The scores of an image whose
        target says nothing are None; see `has_target`.
        """
        raise NotImplementedError

    def has_target(self, target) -> bool:
        """Return whether an image with this target can be scored.

        A target of data that these metrics do not take is a ValueError.
        """
        return True

    def is_scored(self, scores: Mapping[str, float | None]) -> bool:
        """Return whether these are the scores of an image that could be scored."""
        return scores[self.metrics[0]] is not None

    def average(self, scores: Sequence[Mapping[str, float | None]]) -> dict[str, float]:
        """Return the metrics over all images that are scored; if none is, this is a ValueError."""
        scored = [row for row in scores if self.is_scored(row)]
        if not scored:
            raise ValueError(f"none of {len(scores)} images could be scored")
        return self._average(scored)

    def _average(self, scores):
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


def one_tensor(output) -> Tensor:
    """Return a network's output, at least float32; what is no tensor is a ValueError."""
    if isinstance(output, Mapping):
        keys = ", ".join(map(repr, output))
        raise ValueError(f"the network must return one tensor, not a mapping with the keys {keys}")
    if not isinstance(output, Tensor):
        raise ValueError(f"the network must return one tensor, not a {type(output).__name__}")
    if not output.is_floating_point():
        raise ValueError(f"the network must return real numbers, not {output.dtype}")
    return output.float() if output.dtype in (torch.float16, torch.bfloat16) else output


class Classification(Evaluation):
    """top1 : share of right labels, 0 to 1. cross_entropy : of the right label, nats."""

    metrics = ("top1", "cross_entropy")
    higher_is_better = right_or_wrong = frozenset({"top1"})
    headline = "top1"

    def has_target(self, target):
        if not isinstance(target, numbers.Integral):
            raise ValueError("classification takes data with labels, not with depths")
        return True

    def scores(self, network, images, targets):
        all(map(self.has_target, targets))
        logits, labels = one_tensor(network(images.clone())), torch.as_tensor(targets)
        if logits.ndim != 2 or len(logits) != len(labels):
            shape = list(logits.shape)
            raise ValueError(f"classification takes logits [N, classes] of a network, not {shape}")
        classes = logits.shape[1]
        if (outside := labels[(labels < 0) | (labels >= classes)]).numel():
            raise ValueError(
                f"label {int(outside[0])} is outside of the network's {classes} classes, which are "
                f"0 to {classes - 1}"
            )
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
        depth = depth_from_output(one_tensor(network(images.clone())))
        if self.flip:
            mirrored = depth_from_output(one_tensor(network(images.flip(3))))
            depth = (depth + mirrored.flip(2)) / 2
        return depth

    def scores(self, network, images, targets):
        return [
            self.score(prediction, target)
            for prediction, target in zip(self.predict(network, images), targets, strict=True)
        ]

    def score(self, prediction, target) -> dict[str, float]:
        """Return the metrics of one image, depths [H, W] in metres, and the pixels that counted."""
        if not self.has_target(target):
            return dict.fromkeys(self.metrics) | {"pixels": 0}
        if self.crop is not None:
            prediction, target = prediction[self.crop], target[self.crop]
        pixels = np.ma.masked_equal(np.asanyarray(target), 0).count()
        return depth_metrics(prediction, target) | {"pixels": int(pixels)}

    def has_target(self, target):
        if np.ndim(target) != 2:
            raise ValueError("depth metrics take data with depths, not with labels")
        return bool(np.any(np.asarray(target if self.crop is None else target[self.crop])))

    def _average(self, scores):
        if not self.pooled:
            return super()._average(scores)
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
