"""The metrics of monocular depth, as NYU Depth v2 is evaluated; depths in metres, 0 is unknown.

Ref: I. Alhashim and P. Wonka, "High Quality Monocular Depth Estimation via Transfer Learning",
2018, and the evaluation script published with it.
"""

import numpy as np
import torch
from torch.nn import functional

EIGEN_CROP = (slice(20, 460), slice(24, 616))
"""Rows and columns that NYU Depth v2 is scored on, at 480x640.

Ref: D. Eigen et al., "Depth Map Prediction from a Single Image", 2014; eigen_test_crop.npy."""


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
    count, None for all. Pixels whose target is 0, and pixels that NumPy masks (`np.ma`) in any of
    the three, never count. ValueError if shapes differ, no pixel counts, or a depth that counts is
    not positive and finite. Sums are float64.
    """
    mask = np.ones(np.shape(target), bool) if mask is None else np.ma.filled(mask, False)
    arrays = [np.asanyarray(x) for x in (prediction, target, mask)]
    if len({array.shape for array in arrays}) > 1:
        shapes = [list(array.shape) for array in arrays]
        raise ValueError(f"prediction, target and mask must have one shape, not {shapes}")
    masked = [np.ma.getmaskarray(array) for array in arrays[:2]]
    prediction, target, mask = map(np.asarray, arrays)
    valid = (target != 0) & mask.astype(bool) & ~masked[0] & ~masked[1]
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
