import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mbm_hw.studies.evaluation import EVALUATIONS, Depth
from mbm_hw.studies.metrics import depth_from_output, depth_metrics

DATA = Path(os.environ.get("MBM_HW_DATA", Path(__file__).parents[1] / "../shared/data"))
FASTDEPTH = DATA / "depth" / "fastdepth_nyu_depth.npy"


class RedAsOutput(nn.Module):
    """A network whose output is ten times the red channel, at half the size."""

    def forward(self, x):
        return 10 * x[:, :1, ::2, ::2]


def uniform(reds, height=4, width=6):
    """Return float32 [N, 3, height, width] of uniform grey images."""
    return torch.tensor(reds).reshape(-1, 1, 1, 1).expand(-1, 3, height, width)


def test_metrics_are_those_worked_out_by_hand():
    # The ratios are 1, 1.25 (not below 1.25), 1.5 and 2 (beyond 1.25 ** 3 = 1.953125).
    actual = depth_metrics(np.array([1.0, 5.0, 3.0, 2.0]), np.array([1.0, 4.0, 2.0, 4.0]))
    expected = {
        "a1": 1 / 4,
        "a2": 3 / 4,
        "a3": 3 / 4,
        "rel": (0 + 1 / 4 + 1 / 2 + 1 / 2) / 4,
        "rms": (6 / 4) ** 0.5,
        "log_10": (0 + np.log10(1.25) + np.log10(1.5) + np.log10(2)) / 4,
    }
    assert actual == pytest.approx(expected, rel=1e-12)


def test_invalid_and_masked_pixels_do_not_count():
    prediction, target = np.array([1.0, 9.0, 7.0, 2.0]), np.array([1.0, 0.0, 1.0, 1.0])
    actual = depth_metrics(prediction, target, mask=np.array([True, True, False, True]))
    assert actual["a1"] == 0.5
    assert actual["rel"] == 0.5
    assert actual["rms"] == pytest.approx(0.5**0.5)


def test_pixels_that_numpy_masks_do_not_count():
    prediction, target = np.array([[9.0, 9.0], [3.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    near = target < 3
    masked = np.ma.masked_array(target, near)
    assert depth_metrics(prediction, target)["a1"] == 0.5
    assert depth_metrics(prediction, masked)["a1"] == 1
    assert depth_metrics(torch.tensor(prediction), masked)["a1"] == 1
    assert depth_metrics(np.ma.masked_array(prediction, near), target)["a1"] == 1
    every = np.ma.masked_array(np.ones((2, 2), bool), near)
    assert depth_metrics(prediction, target, every)["a1"] == 1
    assert Depth(pooled=True).score(prediction, masked)["pixels"] == 2
    with pytest.raises(ValueError, match="no pixel counts"):
        depth_metrics(prediction, np.ma.masked_array(target, True))


@pytest.mark.parametrize("mask", [None, np.zeros((2, 2), bool)])
def test_no_pixel_that_counts_is_an_error(mask):
    target = np.ones((2, 2)) if mask is not None else np.zeros((2, 2))
    with pytest.raises(ValueError, match="no pixel counts"):
        depth_metrics(np.ones((2, 2)), target, mask)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_prediction_that_is_no_depth_is_an_error(bad):
    with pytest.raises(ValueError, match="prediction must be positive and finite"):
        depth_metrics(np.array([1.0, bad]), np.ones(2))


def test_shapes_that_differ_are_an_error():
    with pytest.raises(ValueError, match=r"one shape, not \[\[2\], \[1\], \[1\]\]"):
        depth_metrics(np.ones(2), np.ones(1))


@pytest.mark.skipif(not FASTDEPTH.exists(), reason=f"no {FASTDEPTH}; set MBM_HW_DATA")
def test_published_fastdepth_frame_scores_as_published():
    prediction = np.load(FASTDEPTH.with_name("fastdepth_nyu_pred.npy"))[0, 0]
    actual = depth_metrics(prediction, np.load(FASTDEPTH))
    expected = {
        "a1": 0.777264,
        "a2": 0.964724,
        "a3": 0.999621,
        "rel": 0.140498,
        "rms": 0.618001,
        "log_10": 0.062049,
    }
    assert actual == pytest.approx(expected, abs=6e-7)


def test_output_becomes_metres_within_the_limits():
    y = torch.tensor([4.0, 1000.0, 0.5, 0.0, -3.0]).reshape(5, 1, 1, 1).expand(5, 1, 2, 3)
    depth = depth_from_output(y)
    assert depth.shape == (5, 4, 6)
    expected = torch.tensor([2.5, 0.1, 10.0, 10.0, 0.1])
    assert torch.allclose(depth, expected.reshape(5, 1, 1).expand(5, 4, 6))


def test_output_is_doubled_between_half_pixel_centres():
    depth = depth_from_output(torch.tensor([10.0, 2.0]).reshape(1, 1, 1, 2))
    assert torch.allclose(depth, torch.tensor([1.0, 2.0, 4.0, 5.0]).expand(1, 2, 4))


def test_output_of_another_shape_is_an_error():
    with pytest.raises(ValueError, match=r"takes \[N, 1, H, W\], not \[1, 2, 3\]"):
        depth_from_output(torch.ones(1, 2, 3))


def test_images_left_over_by_the_batch_size_count():
    """The hand-made original scored them as zeros, and counted them."""
    depths = np.linspace(1, 12, 7 * 24, dtype=np.float32).reshape(7, 4, 6)
    images = uniform([0.1, 0.2, 0.4, 0.5, 0.7, 0.8, 1.0])
    dataset = list(zip(images, depths, strict=True))
    expected = Depth().evaluate(RedAsOutput(), dataset, batch=1)
    reds = images[:, 0, 0, 0].tolist()
    by_hand = [
        depth_metrics(np.full((4, 6), 1 / red), depth)["a1"]
        for red, depth in zip(reds, depths, strict=True)
    ]
    assert expected["a1"] == np.mean(by_hand)
    assert Depth().evaluate(RedAsOutput(), dataset, batch=3) == expected


def test_flip_averages_the_prediction_with_the_mirrored_one():
    class Left(nn.Module):
        """A network that says 1 m in the left half and 2 m in the right, whatever it sees."""

        def forward(self, x):
            y = torch.full((len(x), 1, x.shape[2] // 2, x.shape[3] // 2), 10.0)
            y[..., y.shape[3] // 2 :] = 5.0
            return y

    images = uniform([0.0], height=2, width=8)
    depth = Depth().predict(Left(), images)[0, 0]
    assert np.allclose(depth, [1, 1, 1, 1.25, 1.75, 2, 2, 2])
    assert np.allclose(Depth(flip=True).predict(Left(), images), 1.5)


def test_pooled_pixels_and_mean_of_images_differ():
    depths = np.zeros((2, 4, 6), np.float32)
    depths[0], depths[1, 0, :4] = 5, 10  # 24 right pixels, 4 wrong ones
    dataset = list(zip(uniform([0.2, 0.2]), depths, strict=True))  # an output of 2: 5 m
    scores = {
        name: EVALUATIONS[name].evaluate(RedAsOutput(), dataset)
        for name in ("depth", "depth_flip", "depth_pooled_flip")
    }
    assert scores["depth"]["a1"] == scores["depth_flip"]["a1"] == 0.5
    assert scores["depth_pooled_flip"]["a1"] == 24 / 28
    assert scores["depth"]["rms"] == pytest.approx(2.5)
    assert scores["depth_pooled_flip"]["rms"] == pytest.approx((25 * 4 / 28) ** 0.5)


def test_eigen_crop_is_rows_20_to_459_and_columns_24_to_615():
    depth = EVALUATIONS["depth_eigen"]
    target, prediction = np.ones((480, 640)), np.full((480, 640), 9.0)
    prediction[20:460, 24:616] = 1
    assert depth.score(prediction, target)["a1"] == 1
    for row, column in ((20, 24), (459, 615)):
        spoilt = prediction.copy()
        spoilt[row, column] = 9
        assert depth.score(spoilt, target)["a1"] == 1 - 1 / (440 * 592)


def test_classification_scores_each_image():
    logits = torch.tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0], [5.0, 6.0]])
    scores = EVALUATIONS["classification"].scores(lambda x: logits, logits, [1, 0, 0, 1])
    assert [row["top1"] for row in scores] == [1, 1, 0, 1]
    assert scores[0]["cross_entropy"] == pytest.approx(np.log(1 + np.exp(-1.0)))
