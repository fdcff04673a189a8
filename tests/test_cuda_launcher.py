"""Launching through cuda-core, with a driver that has no device but says what it is asked for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mbm_hw.ops.cuda.compiler import SOURCES

_TESTS = Path(__file__).parent
MAX_DYNAMIC_SHARED_SIZE = 8
"""CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES. Ref: CUDA Driver API, CUfunction_attribute."""

PROGRAM = """
import contextlib, types
import numpy as np, torch
from emulated_cuda import emulated_device
from mbm_hw.ops.cuda import launcher
from mbm_hw.ops.cuda.compiler import Variant

torch.cuda.device = lambda device: contextlib.nullcontext()
torch.cuda.current_stream = lambda device: types.SimpleNamespace(cuda_stream=0)
torch.cuda.is_current_stream_capturing = lambda: False
torch.cuda.get_device_capability = lambda index: (9, 0)
launcher.compiled = lambda variant, architecture: (print(architecture), b"\\x7fELF" + bytes(60))[1]
launch, DEVICE = launcher.launch, torch.device("cuda", 1)
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """The folder of a libcuda.so.1."""
    folder = tmp_path_factory.mktemp("driver")
    library, source = folder / "libcuda.so.1", _TESTS / "cuda_emulation" / "driver.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return folder


def asked(driver, program, parameters):
    """Return the lines that a program prints, its driver's among them."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(driver), "PARAMETERS": parameters}
    environment["PYTHONPATH"] = os.pathsep.join([str(_TESTS), str(_TESTS.parent)])
    command = [sys.executable, "-W", "error::DeprecationWarning", "-c", PROGRAM + program]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_a_kernel_is_loaded_once_given_its_shared_memory_and_launched(driver):
    """In whatever thread: for each launch the device's context is made current."""
    program = """
import threading
arguments = (np.int32(-5), None, np.int64(2**40))
arguments = (Variant("exact.cu"), DEVICE, (7, 3, 2), 128, 200_000, arguments)
launch(*arguments)
thread = threading.Thread(target=launch, args=arguments)
thread.start()
thread.join()
"""
    launched = "launch 0x30 grid 7 3 2 block 128 1 1 shared 200000 stream 0: -5 0 1099511627776"
    assert asked(driver, program, "ill") == [
        *("current 0x10", "sm_90", "load ELF", "kernel conv2d"),
        f"set {MAX_DYNAMIC_SHARED_SIZE} to 200000 of 0x30 on 1",
        *(launched, "current 0x10", launched),
    ]


def test_more_shared_memory_than_a_block_can_have_is_an_error(driver):
    program = """
try:
    launch(Variant("exact.cu"), DEVICE, (1, 1, 1), 128, 300_000, ())
except RuntimeError as error:
    print(error)
"""
    assert asked(driver, program, "")[-1] == (
        "exact.cu: a block cannot have 300000 bytes of shared memory: CUDA_ERROR_INVALID_VALUE"
    )


def test_a_convolutions_arguments_have_the_types_of_the_kernels_parameters(driver):
    """A 4-byte number where a kernel takes 8 would have it read what lies beside it."""
    program = """
from mbm_hw import Exact, ops
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda import operators

def on_the_device(variant, device, grid, threads, shared_bytes, arguments):
    numbers = [None if isinstance(a, torch.Tensor) else a for a in arguments]
    print("expected", *(a or 0 for a in numbers))
    launch(variant, DEVICE, grid, threads, shared_bytes, tuple(numbers))

with emulated_device():
    launcher.launch = on_the_device
    x, w = torch.zeros(2, 6, 9, 8).char(), torch.zeros(34, 3, 3, 2).char()
    values = spec_values(Exact(8, signed=True))
    operators.conv2d(x, w, *values, (2, 1), (1, 2), (1, 2), 2)
"""
    header = (SOURCES / "geometry.h").read_text()
    declared = re.search(r"PARAMETERS(.*?)\n\n", header, re.DOTALL)[1]
    types = re.findall(r"(int32_t|int64_t) \w+", declared)
    parameters = "llll" + "".join("i" if name == "int32_t" else "l" for name in types)
    lines = asked(driver, program, parameters)
    expected = next(line.removeprefix("expected ") for line in lines if "expected" in line)
    assert lines[-1].split(": ")[1] == expected
    assert len(expected.split()) == len(parameters)
