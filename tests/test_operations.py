import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import call
from torch import nn

from mbm_hw.nn.counter import Multiplications
from mbm_hw.studies.operations import count_operations, network_operations

MODELS = "models"


@settings(deadline=None)
@given(data=st.data())
def test_lookups_are_the_products_of_ones_that_meet_no_padding(data):
    """A convolution of ones with ones adds 1 for each product outside the padding."""
    sides = st.integers(1, 4)
    groups = data.draw(st.sampled_from([1, 2, 4]))
    same = data.draw(st.booleans())
    kernel = (3, 1) if same else data.draw(st.tuples(sides, sides))
    layer = nn.Conv2d(
        4,
        8,
        kernel,
        stride=1 if same else data.draw(st.tuples(sides, sides)),
        padding="same" if same else data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3))),
        dilation=data.draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        groups=groups,
        bias=False,
    )
    image = torch.ones(4, *data.draw(st.tuples(st.integers(7, 12), st.integers(7, 12))))
    nn.init.ones_(layer.weight)
    (counted,) = count_operations(nn.Sequential(layer), image)
    output = layer(image)
    assert counted.lookups == int(output.sum()), layer
    assert counted.multiplications == output.numel() * kernel[0] * kernel[1] * 4 // groups, layer
    assert (counted.input, counted.output) == (tuple(image.shape), tuple(output.shape))


def test_a_layer_that_runs_twice_counts_twice_and_one_that_does_not_is_left_out():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.idle = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(3, 3)

        def forward(self, x):
            return self.conv(self.conv(x))

    products = 2 * (2 * 5 * 6) * (2 * 9)
    padded = 2 * (2 * 2) * (5 * 6 * 9 - (3 * 5 - 2) * (3 * 6 - 2))
    assert count_operations(Twice(), torch.zeros(2, 5, 6)) == [
        Multiplications(
            "conv",
            "aten.convolution",
            "conv 3x3",
            None,
            2,
            (2, 5, 6),
            (2, 5, 6),
            products,
            products - padded,
        )
    ]


def test_kinds_say_kernel_stride_dilation_and_groups():
    layers = (
        nn.Conv2d(4, 8, (1, 3), stride=(2, 1)),
        nn.Conv2d(8, 8, 3, stride=2, groups=8, dilation=2),
        nn.Conv2d(8, 4, 1, groups=2),
    )
    counted = count_operations(nn.Sequential(*layers), torch.zeros(4, 40, 40))
    kinds = ["conv 1x3 /2x1", "depthwise 3x3 /2 dilated 2", "2 groups 1x1"]
    assert [layer.kind for layer in counted] == kinds


def test_the_study_layer_takes_731_million_look_ups():
    counted = {o.module: o for o in network_operations("densedepth161", 480, 640, MODELS)}
    layer = counted["decoder.conv2"]
    assert layer.output == (1104, 15, 20)
    assert layer.multiplications == layer.lookups == 731_289_600
    assert sum(o.multiplications for o in counted.values()) == 99_015_091_200


def test_the_command_compares_two_networks(capsys, tmp_path):
    picture = tmp_path / "ops.png"
    arguments = ("ops", "digits_cnn", "--input", "8x8", "--against", "models/digits.py:digits_cnn")
    status, out, _ = call(capsys, *arguments, "--picture", picture)
    assert status == 0
    assert "1.00 x" in out
    assert "digits_cnn has 1.00 times as many, its largest layer 1.00 times" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(call(capsys, *arguments, "--json")[1])
    assert [row["network"] for row in rows].count("digits_cnn") == len(rows) // 2 == 5
    assert sum(row["share"] for row in rows[:5]) == pytest.approx(100)
