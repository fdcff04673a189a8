"""What can be said of the CUDA sources without a device: that they compile, and fit, everywhere;
how they are kept and refused."""

import io
import re
import sys

import numpy as np
import pytest
import torch
from cuda.bindings import nvrtc
from cuda_variants import REGISTERS, SHARED_LIMITS, variants

from mbm_hw import MBM, ops
from mbm_hw.ops.cuda import compiler, launcher
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.multiprocessor import bank_conflicts
from mbm_hw.ops.cuda.products import TABLE_CONFLICTS


def test_the_pinned_nvrtc_knows_the_architectures():
    known = nvrtc.nvrtcGetSupportedArchs()[-1]
    assert {"sm_80", "sm_90", "sm_100"} == set(SHARED_LIMITS)
    assert {int(name.removeprefix("sm_")) for name in SHARED_LIMITS} <= set(known)


@pytest.mark.parametrize("architecture", SHARED_LIMITS)
def test_every_kernel_compiles_without_spilling(architecture):
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


def test_without_a_home_kernels_are_compiled_and_not_kept(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(compiler.Path, "home", homeless)
    assert compiler.compiled(SCALING, "sm_90")[:4] == b"\x7fELF"


def test_a_changed_source_is_compiled_anew(empty_cache, monkeypatch):
    compiler.compiled(SCALING, "sm_90")
    monkeypatch.setattr(compiler, "sources_digest", lambda: b"another")
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
    # Of the others, where not on a CPU.
    composed = {"quantized_conv2d", "rounded_conv2d", "transformed_conv2d"}
    composed |= {"float_transformed_conv2d"}
    for name in set(names) - composed:
        assert getattr(torch.ops.mbm_hw, name).default.has_kernel_for_dispatch_key("CUDA"), name


def test_fakes_on_a_cuda_device_stay_there():
    with torch._subclasses.fake_tensor.FakeTensorMode():
        x = torch.empty(2, 4, 9, 9, dtype=torch.int8, device="cuda")
        y = ops.conv2d(
            x, torch.empty(6, 4, 3, 3, dtype=torch.int8, device="cuda"), MBM(8, signed=True)
        )
        assert (y.device.type, y.dtype, y.shape) == ("cuda", torch.int32, (2, 6, 7, 7))
