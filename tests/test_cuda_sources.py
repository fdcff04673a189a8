"""What can be said of the CUDA sources without a device: that they compile, and fit, everywhere;
that their arithmetic, compiled for the host, is the reference's; how they are kept and refused."""

import ctypes
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from cuda_variants import REGISTERS, SHARED_LIMITS, variants
from float_patterns import random_patterns, tensor

from mbm_hw import MBM, Mitchell, multiply, ops
from mbm_hw.float_format import round_to_format
from mbm_hw.float_spec import FloatExact, FloatMBM, FloatMitchell
from mbm_hw.ops.cuda import compiler, launcher
from mbm_hw.ops.cuda.compiler import SOURCES, Variant
from mbm_hw.ops.cuda.convolution import divisor
from mbm_hw.ops.cuda.multiprocessor import bank_conflicts
from mbm_hw.ops.cuda.products import TABLE_CONFLICTS


def known_architectures():
    from cuda.bindings import nvrtc

    known = nvrtc.nvrtcGetSupportedArchs()[1:]
    return [name for name in SHARED_LIMITS if int(name[3:]) in known[-1]]


@pytest.mark.parametrize("architecture", SHARED_LIMITS)
def test_every_kernel_compiles_without_spilling(architecture):
    if architecture not in known_architectures():
        assert architecture not in ("sm_80", "sm_90"), "NVRTC should know it"
        pytest.skip(f"this NVRTC does not know {architecture}")
    rows = []
    for name, variant, tile, shared in variants(architecture):
        log = io.StringIO()
        assert compiler.compile_(variant, architecture, log, verbose=True)[:4] == b"\x7fELF"
        text = log.getvalue()
        spilled = [int(n) for n in re.findall(r"(\d+) bytes spill", text)]
        registers = max(int(n) for n in re.findall(r"Used (\d+) registers", text))
        rows.append(f"{name} {architecture}: {registers} registers, {shared} bytes shared")
        assert spilled, text
        assert not any(spilled), f"{name}, {architecture}: spills {spilled} bytes"
        assert shared <= SHARED_LIMITS[architecture], rows[-1]
        if tile:
            assert registers * tile.threads * tile.blocks <= REGISTERS, rows[-1]
    print(*rows, sep="\n")


LOG_SPECS = [
    *(MBM(8, truncation=t, signed=signed) for signed in (False, True) for t in range(7 - signed)),
    *(Mitchell(8, truncation=t, signed=True) for t in (0, 1, 3, 5)),
    *(MBM(4), MBM(4, signed=True), MBM(5, truncation=1), Mitchell(7, truncation=2, signed=True)),
    *(MBM(9, signed=True), MBM(12), MBM(16), MBM(16, signed=True)),
    *(MBM(16, truncation=8, signed=True), Mitchell(16), Mitchell(13, truncation=3, signed=True)),
]
FLOAT_SPECS = [
    FloatMBM(4, 3),
    FloatMBM(5, 2, force_lsb=True),
    FloatMitchell(4, 3, truncation=1),
    FloatExact(4, 3),
    FloatMBM(8, 7, force_lsb=True),
    FloatMBM(8, 7, truncation=2),
    FloatExact(8, 7),
    FloatMBM(5, 10),
    FloatExact(5, 10),
    FloatMBM(8, 23),
    FloatMBM(8, 23, truncation=20),
    FloatMitchell(8, 23),
    FloatExact(8, 23),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The sources' arithmetic for these specs, compiled by the host's compiler, sanitized."""
    lines = [
        '#include "log_arithmetic.h"',
        '#include "float_arithmetic.h"',
        "using namespace mbm_hw;",
    ]
    for i, s in enumerate(LOG_SPECS):
        lines += [
            f"struct Log{i} {{ static constexpr int kWidth = {s.width}, "
            f"kTruncation = {s.truncation}, kSmallCharacteristic = {s.small_characteristic}; "
            f"static constexpr uint32_t kCorrection = {s.corrections[0]}, "
            f"kCorrectionWithCarry = {s.corrections[1]}; }};",
            f'extern "C" void log{i}(int64_t n, const int32_t* a, const int32_t* b, int64_t* p) {{ '
            f"for (int64_t i = 0; i < n; ++i) p[i] = "
            f"log_product<Log{i}>(log2_of<Log{i}>(a[i]), log2_of<Log{i}>(b[i])); }}",
        ]
    for i, s in enumerate(FLOAT_SPECS):
        exact = isinstance(s, FloatExact)
        corrections = (0, 0) if exact else s.corrections
        lines += [
            f"struct Float{i} {{ static constexpr int kExponentBits = {s.exponent_bits}, "
            f"kMantissaBits = {s.mantissa_bits}, kTruncation = {0 if exact else s.truncation}; "
            f"static constexpr bool kForced = {int(not exact and s.forced)}; "
            f"static constexpr bool kExact = {int(exact)}; "
            f"static constexpr uint32_t kCorrection = {corrections[0]}, "
            f"kCorrectionWithCarry = {corrections[1]}; }};",
            f"using Format{i} = FloatFormat<{s.exponent_bits}, {s.mantissa_bits}>;",
            f'extern "C" void float{i}(int64_t n, const uint32_t* a, const uint32_t* b, '
            f"uint32_t* p) {{ for (int64_t i = 0; i < n; ++i) p[i] = float_product<Float{i}>("
            f"float_operand<Float{i}>(a[i]), float_operand<Float{i}>(b[i])); }}",
            f'extern "C" void round{i}(int64_t n, const uint32_t* a, uint32_t* p, uint8_t* held) '
            f"{{ for (int64_t i = 0; i < n; ++i) {{ p[i] = Format{i}::round(a[i]); "
            f"held[i] = Format{i}::holds(a[i]); }} }}",
        ]
    folder = tmp_path_factory.mktemp("host")
    (folder / "host.cpp").write_text("\n".join(lines))
    command = ["c++", "-std=c++17", "-O1", "-shared", "-fPIC", "-I", SOURCES, folder / "host.cpp"]
    sanitizers = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    subprocess.run([*command, *sanitizers, "-o", folder / "host.so"], check=True)
    return ctypes.CDLL(folder / "host.so")


def call(function, *arrays):
    function.argtypes = [ctypes.c_int64, *(np.ctypeslib.ndpointer(a.dtype) for a in arrays)]
    function.restype = None
    function(len(arrays[0]), *arrays)


@pytest.mark.parametrize("spec", LOG_SPECS, ids=str)
def test_log_products_are_the_references(host, spec):
    """All of up to 9 bits; above, a sample of 2**17 pairs, half of them small, and the extremes."""
    low, high = spec.operand_min, spec.operand_max
    if spec.width <= 9:
        a, b = (grid.flatten() for grid in np.meshgrid(*[np.arange(low, high + 1)] * 2))
    else:
        random = np.random.default_rng(spec.width)
        small = [random.integers(max(low, -70), 70, 2**16) for _ in range(2)]
        a, b = (np.append(s, random.integers(low, high, 2**16, endpoint=True)) for s in small)
        ends = np.array([low, low + 1, 0, 1, high // 2, high // 2 + 1, high - 1, high])
        pairs = [grid.flatten() for grid in np.meshgrid(ends, ends)]
        a, b = (np.append(x, y) for x, y in zip((a, b), pairs, strict=True))
    actual = np.empty(len(a), np.int64)
    call(
        getattr(host, f"log{LOG_SPECS.index(spec)}"), *(x.astype(np.int32) for x in (a, b)), actual
    )
    expected = multiply(spec, a, b).astype(np.int64)
    wrong = np.flatnonzero(actual != expected)
    assert not len(wrong), [(spec, a[i], b[i], actual[i], expected[i]) for i in wrong[:3]]


def patterns_of(spec):
    if spec.width <= 8:
        return (grid.flatten() for grid in np.meshgrid(*[np.arange(1 << spec.width)] * 2))
    kinds = ("network", "finite", "any", "any")
    return (
        np.concatenate([random_patterns(spec, 2**14, seed + i, k) for i, k in enumerate(kinds)])
        for seed in (1, 9)
    )


@pytest.mark.parametrize("spec", FLOAT_SPECS, ids=str)
def test_float_products_are_the_references(host, spec):
    """All of 8-bit formats; above, a sample of 2**16 pairs, special values among them."""
    a, b = patterns_of(spec)
    wide_a, wide_b = (tensor(spec, x).numpy().view(np.uint32) for x in (a, b))
    actual = np.empty(len(a), np.uint32)
    call(getattr(host, f"float{FLOAT_SPECS.index(spec)}"), wide_a, wide_b, actual)
    products = tensor(spec, multiply(spec, a, b))
    expected = torch.where(products.isnan(), torch.nan, products).numpy().view(np.uint32)
    wrong = np.flatnonzero(actual != expected)
    assert not len(wrong), [
        (spec, hex(a[i]), hex(b[i]), hex(actual[i]), hex(expected[i])) for i in wrong[:3]
    ]


@pytest.mark.parametrize("spec", FLOAT_SPECS, ids=str)
def test_rounding_and_membership_are_the_cpus(host, spec):
    """Of patterns that share their upper or their lower half with values of the format."""
    random = np.random.default_rng(spec.width)
    values = tensor(spec, random_patterns(spec, 2**15, 1, "any")).numpy().view(np.uint32)
    near = values + random.integers(-3, 4, len(values)).astype(np.uint32)
    halves = values & 0xFFFF0000 | random.integers(0, 2**16, len(values)).astype(np.uint32)
    x = np.concatenate([values, near, halves, random.integers(0, 2**32, 2**15, np.uint32)])
    rounded, held = np.empty(len(x), np.uint32), np.empty(len(x), np.uint8)
    call(getattr(host, f"round{FLOAT_SPECS.index(spec)}"), x, rounded, held)
    floats = torch.from_numpy(x.view(np.float32).copy())
    expected = round_to_format(floats, spec.exponent_bits, spec.mantissa_bits)
    assert np.array_equal(rounded, expected.numpy().view(np.uint32))
    assert held[: len(values)].all()
    # A value of the format rounds to itself, but for subnormal ones, which are zeros, and NaNs.
    m, least = spec.mantissa_bits, 2.0 ** (1 - spec.exponent_bias)
    with np.errstate(invalid="ignore"):
        magnitude = np.abs(x.view(np.float32).astype(np.float64))
        steps = magnitude / (least * 2.0**-m)
        subnormal = (magnitude < least) & (steps == np.rint(steps)) & (spec.exponent_bits < 8)
        any_small = (
            (magnitude < least)
            & (spec.exponent_bits == 8)
            & ~(x & ((1 << 23 - m) - 1)).astype(bool)
        )
    member = (rounded == x) | subnormal | any_small | np.isnan(magnitude)
    wrong = np.flatnonzero(member != held.astype(bool))
    assert not len(wrong), [(spec, hex(x[i]), bool(held[i])) for i in wrong[:5]]


@pytest.mark.parametrize("number", [1, 2, 3, 7, 9, 11, 25, 49, 121, 641, 65_537, 2**30, 2**31 - 1])
def test_divisors_divide_every_number_below_2_31(number):
    multiplier, shift = divisor(number)
    random = np.random.default_rng(1).integers(0, 2**31, 10_000, dtype=np.uint64)
    multiples = np.arange(0, 2**31, max(number, 2**31 // 5000 // number * number), dtype=np.uint64)
    x = np.concatenate([random, multiples, multiples[1:] - np.uint64(1), [np.uint64(2**31 - 1)]])
    high = x * np.uint64(np.int32(multiplier).view(np.uint32)) >> np.uint64(32)
    assert np.array_equal((high + x & np.uint64(0xFFFFFFFF)) >> np.uint64(shift), x // number)


def test_conflicts_of_table_reads_are_as_many_as_the_cost_says():
    random = np.random.default_rng(0)
    rows = np.repeat(random.integers(0, 256, (4000, 2)), 16, axis=1) * 128
    counts = {
        "uniform": bank_conflicts(rows + random.integers(0, 256, rows.shape) // 2),
        "normal": bank_conflicts(rows + (random.normal(0, 25, rows.shape).astype(int) & 255) // 2),
    }
    print(counts)
    assert abs(counts["uniform"] - TABLE_CONFLICTS) < 0.1
    assert counts["normal"] < counts["uniform"]


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled = []
    compile_ = compiler.compile_

    def counted(*arguments):
        compiled.append(arguments)
        return compile_(*arguments)

    monkeypatch.setattr(compiler, "compile_", counted)
    return compiled


SCALING = Variant("scaling.cu")


def test_a_kernel_is_compiled_once_for_an_architecture_and_its_macros(empty_cache):
    first = compiler.compiled(SCALING, "sm_90")
    assert compiler.compiled(SCALING, "sm_90") == first
    assert len(empty_cache) == 1
    compiler.compiled(SCALING, "sm_80")
    compiler.compiled(Variant("scaling.cu", (("MBM_HW_ANY", "1"),)), "sm_90")
    assert len(empty_cache) == 3


def test_a_changed_source_is_compiled_anew(empty_cache, monkeypatch):
    compiler.compiled(SCALING, "sm_90")
    monkeypatch.setattr(compiler, "_sources_digest", lambda: b"another")
    compiler.compiled(SCALING, "sm_90")
    assert len(empty_cache) == 2


def test_a_damaged_cubin_is_compiled_anew(empty_cache):
    first = compiler.compiled(SCALING, "sm_90")
    (entry,) = [
        p for p in compiler.cache_folder().rglob("*") if p.is_file() and p.stat().st_size > 999
    ]
    entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    assert compiler.compiled(SCALING, "sm_90") == first
    entry.write_bytes(b"")
    assert compiler.compiled(SCALING, "sm_90") == first
    assert len(empty_cache) == 3
    assert compiler.compiled(SCALING, "sm_90") == first
    assert len(empty_cache) == 3


def test_a_cache_that_cannot_be_written_is_done_without(empty_cache, tmp_path):
    (tmp_path / "mbm_hw").write_text("no folder")
    assert compiler.compiled(SCALING, "sm_90")[:4] == b"\x7fELF"


def test_a_source_that_does_not_compile_is_named():
    variant = Variant("exact.cu", (("MBM_HW_CODE", "nonsense"),))
    with pytest.raises(
        RuntimeError, match=r"NVRTC cannot compile exact.cu MBM_HW_CODE=nonsense for"
    ):
        compiler.compile_(variant, "sm_90")


def test_without_cuda_core_it_is_an_error_that_says_what_to_install(monkeypatch):
    compiler.cuda_core.cache_clear()
    monkeypatch.setitem(sys.modules, "cuda.core", None)
    try:
        with pytest.raises(
            ImportError, match=r"need NVIDIA's cuda-core .*pip install 'mbm-hw\[cuda\]'"
        ):
            launcher.launch(SCALING, torch.device("cuda", 0), (1, 1, 1), 32, 0, ())
    finally:
        compiler.cuda_core.cache_clear()


def test_tensors_of_different_devices_are_refused():
    device = torch.device("cuda", 0)
    with pytest.raises(ValueError, match="all tensors must be on cuda:0, not one on cpu"):
        launcher._pointer(torch.ones(2), device)
    assert launcher._pointer(None, device) == 0


def test_every_operator_has_a_cuda_kernel():
    names = [n for n in dir(torch.ops.mbm_hw) if not n.startswith("_") and n != "name"]
    assert {"conv2d", "matmul", "float_conv2d", "quantize", "rescale", "round_to_format"} <= set(
        names
    )
    composed = {"quantized_conv2d", "rounded_conv2d"}  # of the others, where not on a CPU
    for name in set(names) - composed:
        assert getattr(torch.ops.mbm_hw, name).default.has_kernel_for_dispatch_key("CUDA"), name


def test_fakes_on_a_cuda_device_stay_there():
    with torch._subclasses.fake_tensor.FakeTensorMode():
        x = torch.empty(2, 4, 9, 9, dtype=torch.int8, device="cuda")
        y = ops.conv2d(
            x, torch.empty(6, 4, 3, 3, dtype=torch.int8, device="cuda"), MBM(8, signed=True)
        )
        assert (y.device.type, y.dtype, y.shape) == ("cuda", torch.int32, (2, 6, 7, 7))
