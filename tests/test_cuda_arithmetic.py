"""The CUDA sources' arithmetic, compiled for the host, is the reference's."""

import ctypes
import subprocess

import numpy as np
import pytest
import torch
from float_patterns import random_patterns, tensor

from mbm_hw import MBM, Mitchell, multiply
from mbm_hw.multipliers import FloatExact, FloatMBM, FloatMitchell
from mbm_hw.ops import round_to_format
from mbm_hw.ops.cuda.compiler import SOURCES
from mbm_hw.ops.cuda.convolution import divisor

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
