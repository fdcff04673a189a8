"""The layers' operators, float32 to float32, against their steps in torch and Python integers."""

import numpy as np
import pytest
import torch
from convolutions import LAYOUTS, convolutions, on_threads
from devices import BACKENDS, each_backend, on
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from mbm_hw import MBM, Exact, FloatExact, FloatMBM, FloatMitchell, Mitchell, Table, ops
from mbm_hw.nn.quantize import Fixed, Symmetric, rescale
from mbm_hw.ops import round_to_format
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.float_values import float_spec_values
from mbm_hw.ops.quantized_conv2d import composed, quantized_conv2d
from mbm_hw.ops.rounded_conv2d import rounded_conv2d
from mbm_hw.ops.spec_values import SpecValues

ODD_TABLE = Table(np.random.default_rng(1).integers(-(2**15), 2**15, (256, 256)), signed=True)
SPECS = (
    Exact(8, signed=True),
    Exact(16, signed=True),
    Mitchell(8, signed=True),
    MBM(4, signed=True),
    MBM(8, truncation=2, signed=True),
    MBM(8, signed=True),
    MBM(12, signed=True),
    MBM(16, signed=True),
    ODD_TABLE,
)
FLOAT_SPECS = (
    FloatExact(8, 23),
    FloatExact(5, 10),
    FloatMitchell(8, 7),
    FloatMBM(8, 23),
    FloatMBM(8, 7, force_lsb=True),
    FloatMBM(5, 10),
    FloatMBM(4, 3),
)
QUANTIZERS = (Symmetric(), Fixed(scale=30, limit=7))
LAYER = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


def random_values(shape, seed, extreme):
    """Return values as a network has them; extreme: with NaN, infinities, zeros and tiny ones."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator) * 2
    if extreme:
        special = [torch.nan, torch.inf, -torch.inf, 0.0, -0.0, 1e-40, 1e38, 2.5, -2.5]
        chosen = torch.tensor(special)[torch.randint(9, shape, generator=generator)]
        values = torch.where(torch.rand(shape, generator=generator) < 0.2, chosen, values)
    return values


def stepwise(x, w, bias, x_scale, quantizer, spec, parameters):
    """Return the layer's output by its steps, each in torch or tested against Python integers."""
    w_scale = quantizer.weight_scale(w, spec)
    dtype = ops.code_dtype(spec)
    x_codes = quantizer.codes(x, x_scale, spec, dtype)
    w_codes = quantizer.codes(w, w_scale[:, None, None, None], spec, dtype)
    sums = ops.conv2d(x_codes, w_codes, spec, *parameters)
    bias = None if bias is None else bias[:, None, None]
    y = rescale(sums, x_scale, w_scale[:, None, None], bias)
    return torch.where(nans_met(x, w, *parameters) > 0, torch.nan, y)


def nans_met(x, w, *parameters):
    """Return how many NaN of `x` each sum meets."""
    return functional.conv2d(
        x.isnan().double(), torch.ones_like(w, dtype=torch.double), None, *parameters
    )


def fused(x, w, bias, x_scale, quantizer, spec, parameters, operator=quantized_conv2d):
    by_amax = quantizer.scales_weights_by_amax
    w_scale = None if by_amax else quantizer.weight_scale(w, spec).contiguous()
    how = (x_scale, w_scale, quantizer.factor, quantizer.qmax(spec))
    return operator(x, w, bias, *how, *spec_values(spec), *parameters)


def check(spec, actual, expected):
    bits, wanted = (
        torch.where(y.isnan(), torch.nan, y).contiguous().view(torch.int32)
        for y in (actual.cpu(), expected.cpu())
    )
    assert (actual.dtype, actual.shape) == (torch.float32, expected.shape)
    wrong = (bits != wanted).nonzero().tolist()
    assert not wrong, (
        f"{spec.identifier}: {len(wrong)} outputs differ, first at {wrong[0]}: "
        f"{actual[tuple(wrong[0])]}, expected {expected[tuple(wrong[0])]}"
    )


def operands(x_shape, w_shape, seed, extreme, has_bias):
    x, w = random_values(x_shape, seed, extreme), random_values(w_shape, seed + 1, extreme)
    return x, w, random_values(w_shape[:1], seed + 2, extreme) * 2**10 if has_bias else None


def moved(device, *tensors):
    return (tensor if tensor is None else tensor.to(device) for tensor in tensors)


@settings(max_examples=300, deadline=None)
@given(
    spec=st.sampled_from(SPECS),
    convolution=convolutions(),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    quantizer=st.sampled_from(QUANTIZERS),
    backend=st.sampled_from(BACKENDS),
    extreme=st.booleans(),
    has_bias=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_quantized_conv2d_is_quantise_conv2d_rescale(
    spec, convolution, layouts, quantizer, backend, extreme, has_bias, seed
):
    x_shape, w_shape, parameters = convolution
    x, w, bias = operands(x_shape, w_shape, seed, extreme, has_bias)
    x_scale = quantizer.activation_scale(torch.tensor(3.0), spec)
    with on(backend) as device:
        x, w, bias, x_scale = moved(device, x, w, bias, x_scale)
        x, w = LAYOUTS[layouts[0]](x), LAYOUTS[layouts[1]](w)
        expected = stepwise(x, w, bias, x_scale, quantizer, spec, parameters)
        check(spec, fused(x, w, bias, x_scale, quantizer, spec, parameters), expected)
        check(spec, fused(x, w, bias, x_scale, quantizer, spec, parameters, composed), expected)


@settings(max_examples=150, deadline=None)
@given(
    spec=st.sampled_from(FLOAT_SPECS),
    convolution=convolutions(),
    layouts=st.tuples(*[st.sampled_from(sorted(LAYOUTS))] * 2),
    backend=st.sampled_from(BACKENDS),
    extreme=st.booleans(),
    has_bias=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_rounded_conv2d_is_round_float_conv2d_add(
    spec, convolution, layouts, backend, extreme, has_bias, seed
):
    x_shape, w_shape, parameters = convolution
    x, w, bias = operands(x_shape, w_shape, seed, extreme, has_bias)
    with on(backend) as device:
        x, w, bias = moved(device, x, w, bias)
        x, w = LAYOUTS[layouts[0]](x), LAYOUTS[layouts[1]](w)
        check(
            spec, rounded(x, w, bias, spec, parameters), rounded_steps(x, w, bias, spec, parameters)
        )


def rounded(x, w, bias, spec, parameters):
    return rounded_conv2d(x, w, bias, *float_spec_values(spec), *parameters)


def rounded_steps(x, w, bias, spec, parameters):
    x, w = (round_to_format(t, spec.exponent_bits, spec.mantissa_bits) for t in (x, w))
    sums = ops.float_conv2d(x, w, spec, *parameters)
    return sums if bias is None else sums + bias[:, None, None]


SHAPES = {
    "dense, many tiles": ((2, 40, 17, 19), (70, 40, 3, 3), {"padding": (1, 1)}),
    "strided": ((1, 9, 45, 61), (20, 9, 3, 3), {"stride": (2, 2), "padding": (1, 1)}),
    "strided, one row": ((1, 3, 5, 1200), (4, 3, 3, 5), {"stride": (3, 2), "padding": (1, 2)}),
    "dilated": ((1, 4, 40, 41), (8, 4, 3, 3), {"dilation": (9, 12), "padding": (9, 12)}),
    "depthwise": ((2, 7, 33, 41), (7, 1, 3, 3), {"padding": (1, 1), "groups": 7}),
    "depthwise, strided": (
        (2, 7, 33, 41),
        (14, 1, 3, 5),
        {"stride": (2, 3), "padding": (1, 2), "groups": 7},
    ),
    "small images": ((9, 20, 7, 7), (30, 20, 3, 3), {"padding": (1, 1)}),
    "large kernel": ((1, 2, 40, 50), (3, 2, 19, 23), {"padding": (3, 0)}),
    "pointwise": ((3, 300, 9, 11), (70, 300, 1, 1), {}),
    "one pixel": ((1, 700, 1, 1), (333, 700, 1, 1), {}),
    "pixels": ((40, 300, 1, 1), (150, 300, 1, 1), {}),
    "pixels of one channel": ((3, 1, 1, 1), (5, 1, 1, 1), {}),
}


@each_backend
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", SHAPES)
def test_every_way_through_the_tiles_gives_the_same_outputs(name, device, threads):
    x_shape, w_shape, parameters = SHAPES[name]
    parameters = tuple((LAYER | parameters).values())
    x, w, bias = moved(device, *operands(x_shape, w_shape, 3, False, True))
    scale = torch.tensor(0.03, device=device)
    with on_threads(threads):
        for layout in ("contiguous", "channels_last"):
            x = LAYOUTS[layout](x)
            for spec in (MBM(8, signed=True), MBM(16, signed=True), ODD_TABLE):
                expected = stepwise(x, w, bias, scale, Symmetric(), spec, parameters)
                check(spec, fused(x, w, bias, scale, Symmetric(), spec, parameters), expected)
            for spec in (FloatMBM(8, 7), FloatMitchell(8, 23)):
                expected = rounded_steps(x, w, bias, spec, parameters)
                check(spec, rounded(x, w, bias, spec, parameters), expected)


@each_backend
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.identifier)
def test_the_largest_codes_at_the_most_terms(spec, device):
    """65,536 products of the largest codes, as a matrix product and as a convolution."""
    qmax = Symmetric().qmax(spec)
    x = torch.full((1, 2**16, 1, 1), float(qmax), device=device)
    w = torch.full((3, 2**16, 1, 1), float(-qmax), device=device)
    one, parameters = torch.ones((), device=device), tuple(LAYER.values())
    for shape in ((1, 2**16, 1, 1), (1, 4, 128, 128)):
        x, w = x.reshape(shape), w.reshape(3, *shape[1:])
        expected = stepwise(x, w, None, one, Symmetric(), spec, parameters)
        actual = fused(x, w, None, one, Symmetric(), spec, parameters)
        check(spec, actual, expected)


@pytest.mark.parametrize("spec", [MBM(8, signed=True), ODD_TABLE, FloatMBM(8, 7)], ids=str)
def test_no_terms_and_no_outputs(spec, device):
    bias, parameters = torch.arange(3.0, device=device), tuple(LAYER.values())
    for x_shape, w_shape in (((2, 0, 4, 4), (3, 0, 2, 2)), ((0, 2, 4, 4), (3, 2, 2, 2))):
        x, w = torch.ones(x_shape, device=device), torch.ones(w_shape, device=device)
        if isinstance(spec, FloatMBM):
            y = rounded(x, w, bias, spec, parameters)
        else:
            how = (x.new_tensor(1.0), x.new_ones(3), None, 7)
            y = quantized_conv2d(x, w, bias, *how, *spec_values(spec), *parameters)
        assert torch.equal(y, bias[:, None, None].expand(x_shape[0], 3, 3, 3))


def test_opcheck(device):
    x, w, bias = moved(device, *operands((2, 4, 6, 5), (6, 2, 3, 2), 0, False, True))
    layer = ([2, 1], [1, 0], [1, 2], 2)
    for spec in (MBM(8, signed=True), MBM(16, signed=True), ODD_TABLE):
        how = (x.new_tensor(0.1), None, None, 7)
        torch.library.opcheck(quantized_conv2d, (x, w, bias, *how, *spec_values(spec), *layer))
    values = float_spec_values(FloatMBM(8, 7))
    torch.library.opcheck(rounded_conv2d, (x, w, bias, *values, *layer))


def test_fakes_give_shape_and_dtype():
    with FakeTensorMode():
        x, w, bias = torch.empty(2, 6, 9, 8), torch.empty(4, 3, 3, 1), torch.empty(4)
        layer = ((2, 1), (1, 2), (2, 1), 2)
        how = (torch.empty(()), None, None, 127)
        y = quantized_conv2d(x, w, bias, *how, *spec_values(MBM(8, signed=True)), *layer)
        z = rounded_conv2d(x, w, bias, *float_spec_values(FloatMBM(8, 7)), *layer)
        assert (y.shape, y.dtype) == (z.shape, z.dtype) == ((2, 4, 4, 12), torch.float32)


X, W, BIAS, ONE = torch.ones(2, 4, 5, 5), torch.ones(3, 4, 2, 2), torch.ones(3), torch.tensor(1.0)
MBM8S = spec_values(MBM(8, signed=True))


@pytest.mark.parametrize(
    ("arguments", "spec", "error", "text"),
    [
        ((X.double(), W, BIAS, ONE, None, None, 7), MBM8S, TypeError, "x must be torch.float32"),
        ((X, W, BIAS.half(), ONE, None, None, 7), MBM8S, TypeError, "bias must be torch.float32"),
        (
            (X, W, BIAS[:2], ONE, None, None, 7),
            MBM8S,
            ValueError,
            r"bias with one element .* not \[2\]",
        ),
        ((X, W, BIAS, ONE, BIAS[:1], None, 7), MBM8S, ValueError, r"w_scale with one .* not \[1\]"),
        ((X, W, BIAS, BIAS, None, None, 7), MBM8S, ValueError, r"one x_scale, not \[3\]"),
        ((X, W, BIAS, ONE, None, None, 128), MBM8S, ValueError, "codes within it, not 128"),
        ((X, W[:, :3], BIAS, ONE, None, None, 7), MBM8S, ValueError, "O divisible by groups"),
        (
            (X, W, BIAS, ONE, None, None, 7),
            spec_values(MBM(8)),
            ValueError,
            "takes a signed spec .* an unsigned 8-bit mbm spec",
        ),
        (
            (X, W, BIAS, ONE, None, None, 7),
            SpecValues("mbn", (8, 0, 1), None),
            ValueError,
            "no family is called .mbn.; known: ",
        ),
    ],
)
def test_quantized_conv2d_says_what_is_wrong(arguments, spec, error, text):
    with pytest.raises(error, match=text):
        quantized_conv2d(*arguments, *spec, *LAYER.values())


def test_rounded_conv2d_says_what_is_wrong():
    with pytest.raises(TypeError, match=r"rounded_conv2d: w must be torch.float32, not"):
        rounded(X, W.double(), BIAS, FloatMBM(8, 7), LAYER.values())
    with pytest.raises(ValueError, match=r"rounded_conv2d takes bias with one element"):
        rounded(X, W, BIAS[:2], FloatMBM(8, 7), LAYER.values())
