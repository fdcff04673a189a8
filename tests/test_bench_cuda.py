"""The CUDA bench: what instructions allow, and a dry run on the CPU, with a clock of its own."""

import os
import time

import pytest
import torch
from click.testing import CliRunner
from emulated_cuda import emulated_device
from torch import nn

import bench.cuda
from bench.cases import Layer
from bench.floors import row

TINY = {
    "conv": Layer(lambda: nn.Conv2d(3, 4, 3), (3, 6, 6)),
    "network": Layer(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), (3, 6, 6), True),
}


@pytest.mark.parametrize(
    ("spec", "ratio"),
    [
        *(("mitchell8s", 2.2), ("mbm8s", 2.9), ("mbm8s_t2", 1.5), ("mbm8s_t4", 1.1), ("mbm8", 3.4)),
        *(("mitchell16s", 2.7), ("mbm16s", 5.3), ("mitchell_bf16", 2.3), ("mbm_bf16", 4.3)),
    ],
)
def test_instructions_allow_these_ratios_to_exact_products_on_an_h100(spec, ratio):
    """Of the kernels that are chosen, from their machine code, at the peak of either."""
    assert 1 <= float(row(spec, "H100")["ratio"]) <= ratio


@pytest.fixture
def dry(monkeypatch, tmp_path):
    """Runs the bench with the CPU as its device; gives what it prints, and counts what it times."""
    counted = []

    def elapsed(run, count):
        counted.append(run)
        start = time.perf_counter()
        for _ in range(count):
            run()
        return time.perf_counter() - start

    replaced = {
        "LAYERS": TINY,
        "SPECS": {name: bench.cuda.SPECS[name] for name in ("mbm8s", "mbm8s_t2", "mbm_bf16")},
        "the_device": lambda: torch.device("cpu"),
        "device_name": lambda device: "a device",
        "clock_rate": lambda device: 1e9,
        "elapsed": elapsed,
        "kernels_by_time": lambda run: (run(), ["implicit_gemm"])[1],
    }
    for name, value in replaced.items():
        monkeypatch.setattr(bench.cuda, name, value)
    monkeypatch.setenv("TORCH_CUDNN_V8_API_DISABLED", "0")  # put back in the end
    taken = {"registers": 40, "blocks": 2}
    monkeypatch.setattr(bench.cuda.launcher, "resources", lambda *arguments: taken)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    def run():
        counted.clear()
        with emulated_device():
            ran = CliRunner().invoke(bench.cuda.main, ["--results", str(tmp_path)])
        return ran.exit_code, ran.output, len(counted)

    return run


def test_a_case_that_fails_is_told_and_the_next_ones_go_on(dry, monkeypatch):
    convert = bench.cuda.convert_

    def failing(network, spec):
        if spec == bench.cuda.SPECS["mbm8s_t2"]:
            raise RuntimeError("no such kernel\nand more")
        return convert(network, spec)

    with monkeypatch.context() as patch:
        patch.setattr(bench.cuda, "convert_", failing)
        code, said, _ = dry()
    assert code == 1
    assert "conv, batch 8, mbm8s_t2: RuntimeError: no such kernel\n" in said
    assert "failed: conv, batch 8, mbm8s_t2; network, batch 1, mbm8s_t2" in said
    assert [line.count("equal") for line in said.splitlines() if "| mbm_bf16" in line] == [1]
    assert os.environ["TORCH_CUDNN_V8_API_DISABLED"] == "1"
    code, said, timed = dry()
    assert (code, timed > 0) == (0, True)
    assert "every layer gives the CPU's bits" in said
    assert dry()[2] == 0  # all of it is in the file


def test_other_bits_are_told(dry, monkeypatch):
    equal = torch.equal
    monkeypatch.setattr(torch, "equal", lambda a, b: False if a.ndim == 4 else equal(a, b))
    code, said, _ = dry()
    assert code == 1
    assert "NOT the CPU's bits: conv, mbm8s; conv, mbm8s_t2; conv, mbm_bf16" in said


KERNELS = ["volta_scudnn_winograd_128x128_ldg1_ldg4", "sm80_xmma_fprop_implicit_gemm", "fft2d_r2c"]


@pytest.mark.parametrize(
    ("layers", "seen", "kernel", "pixels"),
    [
        (1, [KERNELS[1:2]], KERNELS[1], 1),
        (1, [KERNELS[:1], KERNELS[1:2]], f"dilated: {KERNELS[1]}", 2),
        (1, [KERNELS[1:], KERNELS[1:2]], f"dilated: {KERNELS[1]}", 2),  # not the longest one
        (2, [KERNELS[1:]], f"TRANSFORM {KERNELS[2]}", 1),
    ],
)
def test_the_rival_makes_all_products_or_says_that_it_does_not(
    monkeypatch, layers, seen, kernel, pixels
):
    """Its kernels are implicit GEMMs, without TF32, because it is to be deterministic."""
    flags, dilations, lists = [], [], iter(seen)

    class Conv(nn.Conv2d):
        def forward(self, x):
            cudnn = torch.backends.cudnn
            flags.append((cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32))
            dilations.append(self.dilation)
            return super().forward(x)

    monkeypatch.setattr(bench.cuda, "kernels_by_time", lambda run: (run(), next(lists))[1])
    exact = nn.Sequential(*(Conv(3, 3, 3, padding=1) for _ in range(layers))).eval()
    run, said = bench.cuda.rival(exact, torch.ones(1, 3, 8, 8), torch.device("cpu"))
    assert (said["kernel"], run().shape) == (kernel, (1, 3, 8, 8))
    assert dilations[-1] == (pixels, pixels)
    assert set(flags) == {(True, False, False)}
