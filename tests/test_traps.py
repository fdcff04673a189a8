"""The traps that the hand-made original of this project fell into, one by one.

Two more are tested where the code is: images left over from a batch (test_study_run,
test_metrics), and noise over five images read as improvement (test_study_summary).
"""

import numpy as np
import pytest
import torch
from torch.nn import functional

from mbm_hw import nn, ops
from mbm_hw.multipliers import Exact
from mbm_hw.nn.quantize import Fixed, Symmetric
from mbm_hw.studies.description import Study
from mbm_hw.studies.summary import percent_change

EXACT8S, EXACT9S = Exact(8, signed=True), Exact(9, signed=True)


def converted(layer, spec, quantizer, images):
    network = torch.nn.Sequential(layer)
    nn.convert_(network, spec, quantizer=quantizer)
    nn.calibrate_(network, [images])
    return network


def test_patches_of_3x3_are_not_scrambled():
    """The original unfolded [C * 9, positions] and read it as [positions, C * 9]."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(-128, 128, (2, 5, 7, 9), generator=generator, dtype=torch.int8)
    w = torch.randint(-128, 128, (4, 5, 3, 3), generator=generator, dtype=torch.int8)
    expected = functional.conv2d(x.double(), w.double())
    assert torch.equal(ops.conv2d(x, w, EXACT8S).double(), expected)
    scrambled = functional.unfold(x.double(), 3).reshape(2, -1, 5 * 9) @ w.double().flatten(1).T
    assert not torch.equal(scrambled.mT.reshape(expected.shape), expected)


def test_large_activations_do_not_saturate():
    """The original's round(1000 v), clipped to +-255, lost every |activation| above 0.255."""
    torch.manual_seed(0)
    layer, images = torch.nn.Conv2d(3, 4, 3), 2 * torch.rand(2, 3, 8, 8)
    exact = layer(images)
    calibrated = converted(layer, EXACT9S, Symmetric(), images)(images)
    fixed = converted(layer, EXACT9S, Fixed(scale=1000, limit=255), images)(images)
    assert (calibrated - exact).abs().max() < 0.02
    assert (fixed - exact).abs().max() > 0.2


def test_fractions_of_a_result_are_kept():
    """The original divided its sums by 10**6 in integers."""
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0.1)
    image = torch.full((1, 1), 0.2)
    for quantizer in (Symmetric(), Fixed(scale=1000, limit=255)):
        result = converted(layer, EXACT9S, quantizer, image)(image)
        assert result.item() == pytest.approx(0.02, rel=0.005)


def test_changes_in_percent_are_computed():
    """The original worked them out by hand: .6026 -> .4931 became -27 %, it is -18.2 %."""
    assert round(percent_change(0.4931, 0.6026), 1) == -18.2
    assert np.isnan(percent_change(1.0, 0.0))


def test_the_baseline_has_the_precision_of_what_is_compared():
    """The original compared with a run in another precision."""
    for width in (8, 12, 16):
        study = Study("s", "n", "w", {}, (Exact(width, signed=True),), "depth")
        assert study.baseline(study.specs[0]) == Exact(width, signed=True)
