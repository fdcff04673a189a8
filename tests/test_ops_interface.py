"""What the integer operators promise beside their sums: torch.library, errors, importing."""

import subprocess
import sys

import pytest
import torch
from codes import ODD_TABLE, SIGN_MAGNITUDE, each_spec, random_codes
from devices import run
from isas import forced
from torch._subclasses.fake_tensor import FakeTensorMode

from mbm_hw import MBM, Exact, ops
from mbm_hw.ops.codes import spec_values


@pytest.mark.parametrize("spec", [MBM(8, signed=True), ODD_TABLE], ids=["mbm8s", "table"])
def test_no_terms_and_no_outputs(spec, device):
    empty = torch.zeros(3, 0, dtype=torch.int8)
    sums = run(ops.matmul, device, empty, empty.t(), spec)
    assert torch.equal(sums, torch.zeros(3, 3, dtype=torch.int32))
    x, w = torch.zeros(2, 0, 4, 4).char(), torch.zeros(5, 0, 3, 3).char()
    sums = run(ops.conv2d, device, x, w, spec)
    assert torch.equal(sums, torch.zeros(2, 5, 2, 2, dtype=torch.int32))
    x, w = torch.zeros(0, 3, 4, 4).char(), torch.zeros(5, 3, 1, 1).char()
    assert run(ops.conv2d, device, x, w, spec).shape == (0, 5, 4, 4)


@pytest.mark.parametrize(
    "spec",
    [MBM(8, signed=True), MBM(8), MBM(16, signed=True), Exact(16), SIGN_MAGNITUDE, ODD_TABLE],
    ids=lambda spec: spec.identifier,
)
def test_opcheck(spec, device):
    values = spec_values(spec)
    x = random_codes(spec, (2, 4, 6, 5)).to(device)
    w = random_codes(spec, (6, 2, 3, 2)).to(device)
    conv2d = torch.ops.mbm_hw.conv2d.default
    torch.library.opcheck(conv2d, (x, w, *values, [2, 1], [1, 0], [1, 2], 2))
    matmul = torch.ops.mbm_hw.matmul.default
    torch.library.opcheck(matmul, (x.reshape(8, 30), x.reshape(8, 30).t(), *values))


@each_spec
def test_fakes_give_shape_and_dtype(spec):
    dtype = ops.code_dtype(spec)
    with FakeTensorMode():
        x, w = torch.empty(2, 6, 9, 8, dtype=dtype), torch.empty(4, 3, 3, 1, dtype=dtype)
        y = ops.conv2d(x, w, spec, (2, 1), (1, 2), (2, 1), 2)
        assert (y.shape, y.dtype) == ((2, 4, 4, 12), ops.sum_dtype(spec))
        z = ops.matmul(x.reshape(12, 72), x.reshape(72, 12), spec)
        assert (z.shape, z.dtype) == ((12, 12), ops.sum_dtype(spec))


def test_meta_tensors_give_shapes():
    x = torch.empty(2, 6, 9, 8, dtype=torch.int8, device="meta")
    assert ops.conv2d(x, x[:4, :, :3, :3], MBM(8, signed=True)).shape == (2, 2, 7, 6)


def test_operators_compile_with_dynamic_shapes(device):
    @torch.compile(backend="aot_eager", dynamic=True)
    def compiled(x, w, spec):
        return ops.conv2d(x, w, spec, padding=1) + ops.matmul(x[0, 0], x[0, 0].t(), spec).sum()

    for size in (5, 6, 9):
        for spec in (MBM(8, signed=True), ODD_TABLE, Exact(8, signed=True)):
            x = random_codes(spec, (2, 3, size, size)).to(device)
            w = random_codes(spec, (4, 3, 3, 3)).to(device)
            expected = (
                ops.conv2d(x, w, spec, padding=1) + ops.matmul(x[0, 0], x[0, 0].t(), spec).sum()
            )
            assert torch.equal(compiled(x, w, spec), expected)


CODES = torch.zeros(2, 4, 5, 5, dtype=torch.int8)
MBM8S = MBM(8, signed=True)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((CODES, CODES, "mbm_bf16"), TypeError, "spec must be an integer multiplier spec"),
        ((CODES, CODES, MBM(17)), ValueError, "4 to 16 bits, not MBM"),
        ((CODES.float(), CODES, MBM8S), TypeError, "torch.int8 codes for a signed 8-bit mbm spec"),
        ((CODES, CODES.byte(), MBM8S), TypeError, "not torch.int8 and torch.uint8"),
        ((CODES, CODES.numpy(), MBM8S), TypeError, "w_codes must be a tensor, not ndarray"),
        ((CODES[0], CODES, MBM8S), ValueError, r"\[N, C, H, W\] .* not \[4, 5, 5\] and \[2, 4"),
        ((CODES, CODES[:, :3], MBM8S), ValueError, "O divisible by groups, .* groups=1"),
        ((CODES, CODES[:1, :2], MBM8S, 1, 0, 1, 2), ValueError, "groups=2"),
        ((CODES, CODES, MBM8S, 1, 0, 1, 0), ValueError, "groups=0"),
        ((CODES, CODES, MBM8S, 0), ValueError, r"stride must be .* at least 1, not \[0, 0\]"),
        ((CODES, CODES, MBM8S, (1, 2, 3)), ValueError, "stride must be an integer or two"),
        ((CODES, CODES, MBM8S, 1, -1), ValueError, r"padding must be .* at least 0, not \[-1"),
        ((CODES, CODES, MBM8S, 1, "same"), ValueError, "padding must be an integer or two"),
        ((CODES, CODES, MBM8S, 1, 0, 2), ValueError, "not 9 for 5"),
        ((CODES + 8, CODES, MBM(4, signed=True)), ValueError, "x.* must be -8 to 7 .*, not 8"),
        ((CODES, CODES - 9, MBM(4, signed=True)), ValueError, "w.* must be -8 to 7 .*, not -9"),
        ((CODES.short() - 256, CODES.short(), SIGN_MAGNITUDE), ValueError, "-255 to 255 .* -256"),
        ((CODES.int(), CODES.int() + 65536, Exact(16)), ValueError, "0 to 65535 .*, not 65536"),
        ((CODES.int() - 1, CODES.int(), MBM(16)), ValueError, "0 to 65535 .*, not -1"),
    ],
)
def test_conv2d_says_what_is_wrong(arguments, error, text, device):
    with pytest.raises(error, match=text):
        run(ops.conv2d, device, *arguments)


@pytest.mark.parametrize(
    ("x", "w", "error", "text"),
    [
        (CODES[0, 0], CODES[0, 0, :4], ValueError, r"not \[5, 5\] and \[4, 5\]"),
        (CODES[0], CODES[0, 0], ValueError, r"\[M, K\] and w \[K, N\], not"),
        (CODES[0, 0], CODES[0, 0].long(), TypeError, "not torch.int8 and torch.int64"),
    ],
)
def test_matmul_says_what_is_wrong(x, w, error, text, device):
    with pytest.raises(error, match=text):
        run(ops.matmul, device, x, w, MBM8S)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("mbn", [8, 0, 1], None), "matmul: no family is called 'mbn'; known: .*mbm, "),
        (("float_mbm", [8, 7, 0, 0], None), "take integer families, not 'float_mbm'"),
        (("mbm", [8, 0], None), "mbm takes width, truncation, signed, not 2 values"),
        (("mbm", [8, 0, 2], None), "mbm: signed must be 0 or 1, not 2"),
        (("mbm", [8, 0, 1], torch.zeros(256, 256).int()), "goes with the family table"),
        (("table", [8, 1], None), "a table has the parameters width, signed, sign_magnitude"),
        (("table", [8, 1, 0], None), "goes with the family table"),
        (("table", [8, 1, 0], torch.zeros(256, 256)), r"must be int32 \[256, 256\]"),
        (("table", [8, 1, 0], torch.zeros(16, 16).int()), r"must be int32 \[256, 256\]"),
        (("exact", [3, 1], None), "width must be an integer 4 to 32, not 3"),
        (("exact", [17, 1], None), "4 to 16 bits, not 17"),
    ],
)
def test_the_schemas_own_values_are_checked(values, text, device):
    with pytest.raises(ValueError, match=text):
        run(torch.ops.mbm_hw.matmul, device, CODES[0, 0], CODES[0, 0], *values)


def test_the_kernel_has_a_name():
    with forced("portable"):
        assert ops.kernel_name(MBM8S) == "portable, table in memory"
        assert ops.kernel_name(MBM(16)) == "portable, logarithms step by step"
        assert ops.kernel_name(Exact(8)) == "portable, integer products"


def test_an_unknown_instruction_set_is_named():
    with forced("mmx"), pytest.raises(ValueError, match="MBM_HW_ISA: there are no kernels 'mmx'"):
        ops.matmul(CODES[0, 0], CODES[0, 0], MBM8S)


def in_a_fresh_interpreter(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


def test_importing_the_operators_loads_no_kernel_and_no_hardware():
    program = "import sys, mbm_hw; print('torch' in sys.modules); import mbm_hw.ops, mbm_hw.nn; "
    program += "print({'amaranth', 'mbm_hw.hdl', 'mbm_hw.ops._cpu'} & set(sys.modules))"
    assert in_a_fresh_interpreter(program).stdout.split() == ["False", "set()"]


def test_a_missing_extension_is_one_clear_line():
    program = "import sys, torch; sys.modules['mbm_hw.ops._cpu'] = None; "
    program += "from mbm_hw import MBM, ops; x = torch.zeros(2, 2).byte(); ops.matmul(x, x, MBM(8))"
    last = in_a_fresh_interpreter(program).stderr.splitlines()[-1]
    assert last.startswith("ImportError: the compiled kernels mbm_hw.ops._cpu are missing: run")
