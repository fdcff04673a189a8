"""`nn.coverage`: the multiplications of a forward, against counts by hand."""

import pytest
import torch
from small_net import MBM8S, NAMES, SmallNet
from torch import nn
from torch.nn import functional

from mbm_hw import MBM, FloatMBM, Table, ops, product_table
from mbm_hw.nn import calibrate_, convert_, coverage

pytestmark = pytest.mark.filterwarnings("ignore::mbm_hw.nn.LeftExactWarning")


def counts(found):
    return {(row.module, row.operator): row.multiplications for row in found.products}


def of(function, *inputs):
    """Return the kinds and multiplications of a function, counted as a model's forward."""

    class Model(nn.Module):
        def forward(self, *x):
            return function(*x)

    found = coverage(Model(), inputs)
    assert found.uncounted == ()
    return [(row.kind, row.multiplications) for row in found.products]


rand = torch.rand
OPERATORS = {  # a function of its inputs -> kind and multiplications
    "conv1d": (functional.conv1d, (rand(2, 3, 9), rand(4, 3, 2)), "conv 2", 2 * 4 * 8 * 3 * 2),
    "conv3d": (
        lambda x, w: functional.conv3d(x, w, stride=(2, 1, 1)),
        (rand(1, 2, 5, 4, 4), rand(3, 2, 3, 2, 2)),
        "conv 3x2x2 /2x1x1",
        3 * (2 * 3 * 3) * 2 * 12,
    ),
    "grouped": (
        lambda x, w: functional.conv2d(x, w, groups=2, dilation=2),
        (rand(1, 4, 7, 7), rand(6, 2, 3, 3)),
        "2 groups 3x3 dilated 2",
        6 * 9 * 2 * 9,
    ),
    "transposed": (
        lambda x, w: functional.conv_transpose2d(x, w, stride=2),
        (rand(1, 4, 3, 3), rand(4, 5, 2, 2)),
        "transposed conv 2x2 /2",
        4 * 9 * 5 * 4,
    ),
    "matmul": (torch.matmul, (rand(3, 1, 4, 5), rand(2, 5, 6)), "matrix product", 6 * 4 * 5 * 6),
    "einsum": (
        lambda a, b: torch.einsum("ij,kj->ik", a, b),
        (rand(2, 3), rand(4, 3)),
        "matrix product",
        2 * 3 * 4,
    ),
    "vector": (torch.mv, (rand(4, 5), rand(5)), "matrix product", 20),
    "dot": (torch.dot, (rand(5), rand(5)), "matrix product", 5),
    "attention": (
        functional.scaled_dot_product_attention,
        (rand(2, 3, 5, 8), rand(2, 3, 7, 8), rand(2, 3, 7, 4)),
        "attention",
        None,
    ),
    "bilinear": (
        functional.bilinear,
        (rand(6, 2), rand(6, 3), rand(4, 2, 3)),
        "bilinear",
        6 * 4 * (2 * 3 + 3),
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_are_counted_as_by_hand(name):
    function, inputs, kind, expected = OPERATORS[name]
    found = of(function, *inputs)
    if name == "attention":  # one operator, or two matrix products, as torch likes
        assert sum(count for _, count in found) == 6 * 5 * 7 * (8 + 4)
    else:
        assert found == [(kind, expected)]


@pytest.mark.parametrize("inference", [False, True])
def test_recurrent_networks_are_counted(inference):
    x = rand(6, 2, 4)
    for kind, gates in ((nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)):
        network = kind(4, 5, num_layers=2, bidirectional=True)
        with torch.inference_mode(inference):
            found = coverage(network, x)
        per_step = 2 * gates * 5 * (4 + 5) + 2 * gates * 5 * (10 + 5)
        assert found.total == 6 * 2 * per_step, kind
        assert found.uncounted == ()


def test_a_converted_network_lists_approximate_and_exact_multiplications(device):
    network = SmallNet().to(device).eval()
    network.up = nn.ConvTranspose2d(8, 2, 2, device=device)
    network.register_forward_hook(lambda *_: network.up(torch.ones(1, 8, 3, 3, device=device)))
    x = torch.rand(2, 3, 16, 14, device=device)
    exact = coverage(network, x)
    assert (exact.approximate, exact.share) == (0, 0)
    convert_(network, MBM8S)
    found = coverage(network, x)
    assert network.stem.activation_amax is None, "as before"
    by_hand = {
        "stem": 2 * 8 * 8 * 7 * 27,
        "depthwise": 2 * 8 * 8 * 7 * 9,
        "twice": 2 * (2 * 8 * 8 * 7 * 8),
        "head.2": 2 * 5 * 32,
    }
    approximate = {row.module: row.multiplications for row in found.products if row.spec}
    assert approximate == by_hand
    assert {row.spec for row in found.products if row.module in NAMES} == {"mbm8s"}
    assert found.total == exact.total == sum(by_hand.values()) + 8 * 9 * 2 * 4
    assert found.sentence == (
        f"{found.approximate:,} of {found.total:,} multiplications "
        f"({found.share:.1f} %) approximate"
    )
    assert "| up " in str(found)
    assert [row.calls for row in found.products if row.module == "twice"] == [2]
    norms = [row for row in found.rows if row.is_elementwise]
    assert [(row.module, row.multiplications) for row in norms] == [("norm", 2 * 8 * 8 * 7)]


@pytest.mark.parametrize("spec", [MBM8S, MBM(12, signed=True), FloatMBM(8, 7), "table"])
def test_every_operator_of_ours_is_named_by_its_spec(spec):
    if spec == "table":
        spec = Table(product_table(MBM8S), signed=True)
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 2))
    convert_(network, spec)
    found = coverage(network, rand(1, 2, 4, 4))
    assert found.share == 100
    assert [row.kind for row in found.products] == ["conv 3x3", "linear"]
    assert {row.spec for row in found.products} == {
        "mbm_bf16_plain" if isinstance(spec, FloatMBM) else spec.identifier
    }


def test_the_products_of_an_algorithm_are_its_own():
    network = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1))
    convert_(network, MBM(16, signed=True), algorithm="winograd")
    (row,) = coverage(network, rand(3, 2, 4, 4)).products
    assert row.multiplications == 3 * (2 * 4 * 4 * 16)  # 16 products for a tile of 2 x 2
    assert row.operator == "mbm_hw.transformed_conv2d"


def test_operators_called_by_a_network_itself_count():
    def forward(x):
        codes = (x * 100).to(torch.int8)
        return ops.matmul(codes, codes.t().contiguous(), MBM8S)

    assert of(forward, rand(3, 5)) == [("matrix product", 3 * 5 * 3)]


def test_a_layer_outside_the_model_is_named_as_such():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = [nn.Conv2d(2, 4, 3)]

        def forward(self, x):
            return functional.linear(self.steps[0](x), torch.ones(3, 2))

    assert counts(coverage(Listed(), rand(1, 2, 4, 4))) == {
        ("(Conv2d, not in the model)", "aten.convolution"): 4 * 4 * 18,
        ("", "aten.mm"): 4 * 2 * 2 * 3,
    }


def test_what_may_multiply_and_is_not_counted_is_named():
    class Distances(nn.Module):
        def forward(self, x):
            return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").sum() + (
                torch.fft.rfft(x).abs().sum()
            )

    found = coverage(Distances(), rand(3, 4))
    assert found.uncounted == ("aten._cdist_forward", "aten._fft_r2c")
    assert "Not counted, and exact: aten._cdist_forward" in str(found)


def test_nothing_is_changed_by_counting():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(x.sub_(1))

    network, x = InPlace(), rand(2, 4)
    before = x.clone()
    convert_(network, MBM8S)
    calibrate_(network, [x])
    amax = network.fc.activation_amax
    coverage(network, x)
    assert torch.equal(x, before)
    assert network.fc.activation_amax is amax
    assert torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(ValueError, match="ApproxLinear takes"):
        coverage(network, rand(2, 5))
    assert torch.backends.mha.get_fastpath_enabled()
    assert not torch.nn.modules.module._global_forward_pre_hooks
