"""Scores of a network: monocular depth in the named protocols of NYU Depth v2, and accuracy.

Images are uint8 RGB [N, H, W, 3]; depths are metres [N, H, W], 0 where the sensor saw nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EIGEN_CROP = (slice(20, 460), slice(24, 616))
"""Rows and columns that NYU Depth v2 is scored on, at 480x640.

Ref: D. Eigen et al., "Depth Map Prediction from a Single Image", 2014; eigen_test_crop.npy."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """flip : average the prediction with the mirrored prediction of the mirrored image.
    pooled : all pixels of all images in one score, instead of the mean of the images' scores."""

    flip: bool
    pooled: bool


PROTOCOLS = {
    "per_image": Protocol(flip=False, pooled=False),
    "per_image_flip": Protocol(flip=True, pooled=False),
    "pooled_flip": Protocol(flip=True, pooled=True),
}


def depth_from_output(y: torch.Tensor) -> torch.Tensor:
    """Return the depth in metres, [N, 2H, 2W], 0.1 to 10, of a network's output.

    y : float [N, 1, H, W], 10 / depth in metres; 0 is taken as far, a negative value as near.
    Twice the size is bilinear between half-pixel centres, as in the evaluation of DenseDepth.
    """
    if y.ndim != 4 or y.shape[1] != 1:
        raise ValueError(f"depth_from_output takes [N, 1, H, W], not {list(y.shape)}")
    depth = torch.clamp(1000 / y, 10, 1000) / 1000
    depth = functional.interpolate(depth, scale_factor=2, mode="bilinear", align_corners=False)
    return depth[:, 0] * 10


def depth_metrics(prediction, target, mask=None) -> dict[str, float]:
    """Return a1, a2, a3 (shares, 0 to 1), rel, rms (metres) and log_10 of a predicted depth.

    prediction, target : metres, arrays or CPU tensors of one shape; mask : bool, the pixels that
    count, None for all. Pixels whose target is 0 never count. ValueError if shapes differ, no pixel
    counts, or a depth that counts is not positive and finite. Sums are float64.
    """
    prediction, target = np.asarray(prediction), np.asarray(target)
    valid = target != 0 if mask is None else (target != 0) & np.asarray(mask, bool)
    if prediction.shape != target.shape or valid.shape != target.shape:
        shapes = [list(x.shape) for x in (prediction, target, valid)]
        raise ValueError(f"prediction, target and mask must have one shape, not {shapes}")
    if not valid.any():
        raise ValueError("no pixel counts: the target is 0 or masked everywhere")
    p, t = prediction[valid].astype(np.float64), target[valid].astype(np.float64)
    for name, depth in (("prediction", p), ("target", t)):
        if not np.all((depth > 0) & np.isfinite(depth)):
            raise ValueError(f"{name} must be positive and finite metres wherever a pixel counts")
    ratio = np.maximum(t / p, p / t)
    return {
        "a1": float(np.mean(ratio < 1.25)),
        "a2": float(np.mean(ratio < 1.25**2)),
        "a3": float(np.mean(ratio < 1.25**3)),
        "rel": float(np.mean(np.abs(t - p) / t)),
        "rms": float(np.sqrt(np.mean((t - p) ** 2))),
        "log_10": float(np.mean(np.abs(np.log10(t) - np.log10(p)))),
    }


def predict_depth(network: nn.Module, rgb: np.ndarray, flip: bool = False, batch: int = 8):
    """Return the depths that `network` predicts for `rgb`, float32 [N, H, W], metres.

    The network takes RGB / 255 as float32 [n, 3, H, W], n at most `batch`, and gives 10 / depth at
    half the size; it runs in evaluation mode on its own device, and every image counts, those of a
    last smaller batch too. `flip` : see `Protocol`.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 4 or rgb.shape[3] != 3 or not len(rgb):
        raise ValueError(f"rgb must be uint8 [N, H, W, 3], not {rgb.dtype} {list(rgb.shape)}")
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    was_training = network.training
    network.eval()
    depths = []
    with torch.inference_mode():
        for start in range(0, len(rgb), batch):
            x = torch.from_numpy(np.ascontiguousarray(rgb[start : start + batch])).to(device)
            x = (x.to(torch.float32) / 255).permute(0, 3, 1, 2).contiguous()
            depth = depth_from_output(network(x))
            if flip:
                depth = (depth + depth_from_output(network(x.flip(3))).flip(2)) / 2
            depths.append(depth.to(torch.float32).cpu().numpy())
    network.train(was_training)
    return np.concatenate(depths)


def score_depth(predictions, targets, pooled: bool = False, crop=None) -> dict[str, float]:
    """Return the scores of `depth_metrics` over images, predictions and targets [N, H, W], metres.

    `pooled` : see `Protocol`; crop : (rows, columns), slices applied to both, such as EIGEN_CROP.
    """
    if len(predictions) != len(targets):
        raise ValueError(f"{len(predictions)} predictions do not fit {len(targets)} targets")
    if crop is not None:
        predictions, targets = (np.asarray(x)[:, crop[0], crop[1]] for x in (predictions, targets))
    if pooled:
        return depth_metrics(predictions, targets)
    scores = [depth_metrics(p, t) for p, t in zip(predictions, targets, strict=True)]
    return {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}


def evaluate_depth(
    network: nn.Module, rgb, depth, protocol: str = "per_image", crop=None, batch: int = 8
) -> dict[str, float]:
    """Return the scores of `network` on images and their depths in one of PROTOCOLS."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, not {protocol!r}")
    chosen = PROTOCOLS[protocol]
    predictions = predict_depth(network, rgb, chosen.flip, batch)
    return score_depth(predictions, depth, chosen.pooled, crop)


def top1(logits, labels) -> float:
    """Return the share of right labels, 0 to 1; logits [N, classes], labels integer [N]."""
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not len(labels):
        shapes = f"{list(logits.shape)} and {list(labels.shape)}"
        raise ValueError(f"top1 takes logits [N, classes] and labels [N], not {shapes}")
    return float(np.mean(logits.argmax(1) == labels))
