"""What the float operators promise beside their sums: torch.library, errors, values."""

import numpy as np
import pytest
import torch
from devices import run
from float_patterns import QUIET_NAN, each_spec, random_patterns, tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from mbm_hw import CATALOG, MBM, FloatExact, FloatMBM, ops
from mbm_hw.ops.float_values import float_spec_values


@each_spec
def test_no_terms_and_no_outputs(spec, device):
    empty = torch.zeros(3, 0)
    assert torch.equal(run(ops.float_matmul, device, empty, empty.t(), spec), torch.zeros(3, 3))
    x, w = torch.zeros(2, 0, 4, 4), torch.zeros(5, 0, 3, 3)
    assert torch.equal(run(ops.float_conv2d, device, x, w, spec), torch.zeros(2, 5, 2, 2))
    x, w = torch.zeros(0, 3, 4, 4), torch.zeros(5, 3, 1, 1)
    assert run(ops.float_conv2d, device, x, w, spec).shape == (0, 5, 4, 4)


@each_spec
def test_opcheck(spec, device):
    values = float_spec_values(spec)
    x = tensor(spec, random_patterns(spec, (2, 4, 6, 5))).to(device)
    w = tensor(spec, random_patterns(spec, (6, 2, 3, 2))).to(device)
    conv2d = torch.ops.mbm_hw.float_conv2d.default
    torch.library.opcheck(conv2d, (x, w, *values, [2, 1], [1, 0], [1, 2], 2))
    matmul = torch.ops.mbm_hw.float_matmul.default
    torch.library.opcheck(matmul, (x.reshape(8, 30), x.reshape(8, 30).t(), *values))


def test_fakes_give_shape_and_dtype():
    with FakeTensorMode():
        x, w = torch.empty(2, 6, 9, 8), torch.empty(4, 3, 3, 1)
        y = ops.float_conv2d(x, w, FloatMBM(8, 7), (2, 1), (1, 2), (2, 1), 2)
        assert (y.shape, y.dtype) == ((2, 4, 4, 12), torch.float32)
        z = ops.float_matmul(x.reshape(12, 72), x.reshape(72, 12), FloatMBM(8, 7))
        assert (z.shape, z.dtype) == ((12, 12), torch.float32)


def test_operators_compile_with_dynamic_shapes(device):
    @torch.compile(backend="aot_eager", dynamic=True)
    def compiled(x, w, spec):
        y = ops.float_conv2d(x, w, spec, padding=1)
        return y + ops.float_matmul(x[0, 0], x[0, 0].t(), spec).sum()

    for size in (5, 6):
        for name in ("mbm_bf16", "exact_fp16"):
            spec = CATALOG[name]
            x = tensor(spec, random_patterns(spec, (2, 3, size, size))).to(device)
            w = tensor(spec, random_patterns(spec, (4, 3, 3, 3))).to(device)
            expected = ops.float_conv2d(x, w, spec, padding=1)
            expected += ops.float_matmul(x[0, 0], x[0, 0].t(), spec).sum()
            assert torch.equal(compiled(x, w, spec), expected)


ONES = torch.ones(2, 4, 5, 5)
BF16 = FloatMBM(8, 7)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((ONES, ONES, MBM(8)), TypeError, "spec must be a float multiplier spec"),
        ((ONES.double(), ONES, BF16), TypeError, "float_conv2d takes torch.float32 values, not"),
        ((ONES, ONES.bfloat16(), BF16), TypeError, "not torch.float32 and torch.bfloat16"),
        ((ONES, ONES.numpy(), BF16), TypeError, "float_conv2d: w must be a tensor, not ndarray"),
        ((ONES[0], ONES, BF16), ValueError, r"float_conv2d takes x \[N, C, H, W\] .* \[4, 5, 5\]"),
        ((ONES, ONES[:, :3], BF16), ValueError, "O divisible by groups, .* groups=1"),
        ((ONES, ONES, BF16, 0), ValueError, r"stride must be .* at least 1, not \[0, 0\]"),
        ((ONES, ONES, BF16, (1, 2, 3)), ValueError, "float_conv2d: stride must be an integer or"),
        ((ONES, ONES, BF16, 1, 0, 2), ValueError, "not 9 for 5"),
    ],
)
def test_conv2d_says_what_is_wrong(arguments, error, text, device):
    with pytest.raises(error, match=text):
        run(ops.float_conv2d, device, *arguments)


def test_matmul_says_what_is_wrong(device):
    with pytest.raises(ValueError, match=r"x \[M, K\] and w \[K, N\], not \[5, 5\] and \[4, 5\]"):
        run(ops.float_matmul, device, ONES[0, 0], ONES[0, 0, :4], BF16)
    with pytest.raises(TypeError, match=r"values, not torch.int64"):
        run(ops.float_matmul, device, ONES[0, 0].long(), ONES[0, 0], BF16)


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (FloatMBM(8, 7), 1 + 2**-8),
        (FloatMBM(8, 7), 2.0**-126 * (1 + 2**-8)),
        (FloatMBM(8, 7), 2.0**-134),
        (FloatMBM(5, 10), 65536.0),
        (FloatMBM(5, 10), 2.0**-25),
        (FloatMBM(5, 10), 2.0**-14 - 2.0**-25),
        (FloatMBM(5, 10), 2.0**-140),
        (FloatExact(4, 3), 256.0),
        (FloatExact(4, 3), 17.0),
    ],
)
def test_values_outside_the_format_are_refused(spec, value, device):
    good = torch.ones(3, 40, device=device)
    bad = good.clone()
    bad[2, 33] = -value
    text = rf"must hold values of {spec.format}, not -{value!r}: mbm_hw.ops.round_to"
    with pytest.raises(ValueError, match=f"float_matmul: x {text}"):
        ops.float_matmul(bad, good.t(), spec)
    with pytest.raises(ValueError, match=f"float_matmul: w {text}"):
        ops.float_matmul(good, bad.t(), spec)
    with pytest.raises(ValueError, match=f"float_conv2d: w {text}"):
        ops.float_conv2d(good[None, None], bad[None, None, :, 32:34], spec)


@pytest.mark.parametrize("spec", [FloatMBM(8, 7), FloatMBM(5, 10), FloatExact(4, 3)], ids=str)
def test_all_values_of_the_format_are_taken(spec, device):
    """Subnormal numbers, as zeros, infinities and every NaN too."""
    patterns = np.arange(1 << spec.width)
    values = tensor(spec, patterns)
    m, top = spec.mantissa_bits, spec.exponent_max
    flushed = np.where((patterns >> m & top) == 0, patterns >> (spec.width - 1), patterns)
    y = run(ops.float_matmul, device, values[:, None], torch.ones(1, 1), spec)
    zero = (flushed >> m & top) == 0
    assert torch.equal(y[zero], torch.zeros_like(y[zero]))
    assert (y[~zero] != 0).all()
    payload = torch.tensor([[0x7F800001]], dtype=torch.int32).view(torch.float32)
    y = run(ops.float_matmul, device, payload, payload, spec)
    assert y.view(torch.int32).item() == QUIET_NAN


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("float_mbn", [8, 7, 0, 0], None), "no family is called 'float_mbn'; known: .*float_mbm"),
        (("mbm", [8, 0, 1], None), "float operators take float families, not 'mbm'"),
        (("float_exact", [8, 7, 1], None), "exact takes exponent_bits, mantissa_bits, not 3"),
        (("float_mbm", [8, 7, 0, 2], None), "a choice must be 0 to 1, not 2"),
        (("float_mbm", [9, 7, 0, 0], None), "exponent_bits must be an integer 2 to 8, not 9"),
    ],
)
def test_the_schemas_own_values_are_checked(values, text):
    with pytest.raises(ValueError, match=text):
        torch.ops.mbm_hw.float_matmul(ONES[0, 0], ONES[0, 0], *values)
