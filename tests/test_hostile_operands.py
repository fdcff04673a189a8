"""Operands that no operator may touch, and geometry beyond what can be counted or held."""

import numpy as np
import pytest
import torch
from codes import ODD_TABLE, SIGN_MAGNITUDE
from fuzz_cases import OPERATORS
from fuzz_faults import freed
from torch._subclasses.fake_tensor import FakeTensorMode

from mbm_hw import MBM, Exact, FloatMBM, ops
from mbm_hw.ops.carry_nan import carry_nan
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.rounding import round_to_format

each_operator = pytest.mark.parametrize("operator", OPERATORS)
MBM8S, BF16 = MBM(8, signed=True), FloatMBM(8, 7)
CODES = torch.ones(2, 4, 5, 5, dtype=torch.int8)


def calls(operator, count=12):
    """Yield legal calls without empty operands, and for each the operand to spoil, in turn."""
    for seed in range(count):
        call = OPERATORS[operator](np.random.default_rng([9, seed]))
        given = [name for name, tensor in call.tensors.items() if tensor is not None]
        if all(call.tensors[name].numel() for name in given):
            yield from ((call.copy(), name) for name in given)


@each_operator
def test_operands_on_different_devices_are_refused(operator):
    for call, name in calls(operator):
        if len([tensor for tensor in call.tensors.values() if tensor is not None]) > 1:
            call.tensors[name] = call.tensors[name].to("meta")
            wanted = rf"{call.name}: all tensors must be on one device, not .* on (cpu|meta), "
            with pytest.raises(ValueError, match=wanted):
                call.run()


@each_operator
def test_operands_all_on_meta_give_a_meta_result(operator):
    for call, _ in calls(operator, 4):
        expected = call.run()
        call.tensors = {n: t if t is None else t.to("meta") for n, t in call.tensors.items()}
        y = call.run()
        assert (y.device.type, y.shape, y.dtype) == ("meta", expected.shape, expected.dtype)


@each_operator
@pytest.mark.parametrize("missing", [1, 10**9])
def test_operands_without_their_memory_are_refused(operator, missing):
    """All of it freed, or one byte too few."""
    for call, name in calls(operator):
        call.tensors[name] = freed(call.tensors[name], missing)
        wanted = rf"{call.name}: {name}\w* needs \d+ bytes of memory and has \d+"
        with pytest.raises(ValueError, match=wanted):
            call.run()


def test_nan_is_carried_between_tensors_of_one_device_with_memory():
    y, x, w = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 2, 2)
    layer = [1, 1], [0, 0], [1, 1], 1
    with pytest.raises(ValueError, match="carry_nan: all tensors must be on one device"):
        carry_nan(y, x.to("meta"), w, *layer)
    with pytest.raises(ValueError, match="carry_nan: y needs 16 bytes of memory and has 0"):
        carry_nan(freed(y, 16), x, w, *layer)
    with pytest.raises(ValueError, match=r"carry_nan takes y \[1, 1, 2, 2\], not \[1, 1, 2, 1\]"):
        carry_nan(y[..., :1], x, w, *layer)


@pytest.mark.parametrize("spec", [ODD_TABLE, SIGN_MAGNITUDE], ids=lambda s: s.identifier)
def test_a_table_on_another_device_is_refused_and_a_specs_goes_along(spec):
    x = torch.ones(3, 3, dtype=ops.code_dtype(spec))
    values = spec_values(spec)
    away = values._replace(table=values.table.to("meta"))
    with pytest.raises(ValueError, match=r"matmul: .* not x on cpu, w on cpu, table on meta"):
        ops.matmul(x, x, away)
    with pytest.raises(ValueError, match=r"conv2d: .* not x on cpu, w on cpu, table on meta"):
        ops.conv2d(x[None, None], x[None, None], away)
    assert ops.matmul(x.to("meta"), x.to("meta"), spec).device.type == "meta"
    with FakeTensorMode():
        x = torch.empty(3, 3, dtype=ops.code_dtype(spec), device="cuda")
        assert ops.matmul(x, x, spec).device.type == "cuda"
        with pytest.raises(ValueError, match="not x_codes on cuda:0, w_codes on cpu"):
            ops.matmul(x, x.to("cpu"), spec)


MOST = 2**31 - 1


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        ({"padding": MOST, "dilation": 2**32 - 1}, "dilation must be at most 2147483647, not 4294"),
        ({"padding": 2**31}, "padding must be at most 2147483647, not 2147483648"),
        ({"padding": MOST}, "padded image has at most 2147483647 pixels to a side, not 42949672"),
        ({"stride": 2**100}, "stride must be at most 2147483647, not 12676506"),
        ({"stride": -(2**63)}, "stride must be at most 2147483647, not -9223372036854775808"),
        ({"padding": 2**30 - 3}, r"at most 1152921504606846976 elements, not those of \[2, 2, 21"),
        ({"padding": 2**20}, r"the output, \[2, 2, 2097156, 2097156\], takes \d+ bytes; this"),
        ({"padding": 2**27, "dilation": 2**28}, r"spans 268435457 x 268435457 pixels meets more"),
        ({"groups": 2**64}, "groups must be at most 2147483647, not 18446744073709551616"),
        ({"groups": -1}, "groups=-1"),
        ({"groups": 3}, "O divisible by groups"),
        ({"groups": True}, "groups must be an integer, not True"),
        ({"groups": 1.0}, "groups must be an integer, not 1.0"),
        ({"stride": True}, "stride must be an integer or two, not True"),
        ({"stride": None}, "stride must be an integer or two, not None"),
        ({"dilation": (1, 1.5)}, r"dilation must be an integer or two, not \(1, 1.5\)"),
        ({"padding": [1]}, r"padding must be an integer or two, not \[1\]"),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_float", [False, True], ids=["conv2d", "float_conv2d"])
def test_geometry_that_cannot_be_is_refused_at_once(layer, text, is_float):
    """With one image, depthwise too."""
    for x, w in ((CODES, CODES[:, :, :2, :2]), (CODES[:, :1], CODES[:, :1, :2, :2])):
        operator, spec = (ops.float_conv2d, BF16) if is_float else (ops.conv2d, MBM8S)
        x, w = (t.float() if is_float else t for t in (x, w))
        with pytest.raises(ValueError, match=text) as raised:
            operator(x, w, spec, **layer)
        assert len(str(raised.value)) <= 300


@pytest.mark.parametrize("algorithm", ["winograd", "strassen"])
def test_an_algorithms_padded_image_fits_the_memory(algorithm):
    x = torch.ones(1, 4, 5, 5, dtype=torch.int16)
    for operator, spec, operand in (
        (ops.conv2d, MBM(16, signed=True), x),
        (ops.float_conv2d, BF16, x.float()),
    ):
        with pytest.raises(ValueError, match=r"the padded image, \[1, 4, .*\], takes \d+ bytes"):
            w = operand[:, :, :3, :3].expand(4, -1, -1, -1)
            operator(operand, w, spec, padding=2**20, algorithm=algorithm)


def test_numpys_integers_are_integers():
    one = np.int64(1)
    y = ops.conv2d(CODES, CODES[:, :2, :2, :2], MBM8S, one, (np.int8(1), one), one, np.uint8(2))
    assert torch.equal(y, ops.conv2d(CODES, CODES[:, :2, :2, :2], MBM8S, 1, 1, 1, 2))


def test_matrices_too_large_are_refused():
    row = torch.ones(1, 1, dtype=torch.int8)
    with pytest.raises(ValueError, match=r"M and N are at most 2147483647, not \[4294967296"):
        ops.matmul(row.expand(2**32, 1), row, MBM8S)
    with pytest.raises(ValueError, match=r"matmul: the output, \[2147483647, 65536\], takes"):
        ops.matmul(row.expand(MOST, 1), row.expand(1, 2**16), MBM8S)
    wide = torch.ones(1, 1, dtype=torch.uint8)
    with pytest.raises(ValueError, match="matmul sums at most 2147483647 products, not 2147483648"):
        ops.matmul(wide.expand(1, 2**31), wide.expand(2**31, 1), Exact(8))
    with pytest.raises(ValueError, match=r"float_conv2d: the output, .* takes"):
        image = torch.ones(1, 1, 1, 1).expand(2**45, 1, 1, 1)
        ops.float_conv2d(image, image[:1], BF16)


@pytest.mark.parametrize("x", [None, [1.0], np.ones(3, np.float32), torch.ones(2, 2).to_sparse()])
def test_what_is_no_dense_tensor_is_a_type_error(x):
    with pytest.raises(TypeError, match=r"round_to_format: x must be (a tensor|dense), not"):
        round_to_format(x, 8, 7)
    with pytest.raises(TypeError, match=r"float_matmul: w must be (a tensor|dense), not"):
        ops.float_matmul(torch.ones(2, 2), x, BF16)
    with pytest.raises(TypeError, match=r"matmul: x_codes must be (a tensor|dense), not"):
        ops.matmul(x, CODES[0, 0], MBM8S)
