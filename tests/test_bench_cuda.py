"""The CUDA bench: what instructions allow, and a dry run on the CPU, with a clock of its own."""

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
    [("mitchell8s", 2.2), ("mbm8s", 3.2), ("mbm8s_t2", 1.5), ("mbm8s_t4", 1.2), ("mbm8", 3.4)],
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
        "longest_kernel": lambda run: (run(), "implicit_gemm")[1],
    }
    for name, value in replaced.items():
        monkeypatch.setattr(bench.cuda, name, value)
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


def test_a_rival_that_transforms_is_dilated(dry, monkeypatch):
    names = iter(["sm90_xmma_winograd_fprop", *["implicit_gemm"] * 9])
    monkeypatch.setattr(bench.cuda, "longest_kernel", lambda run: (run(), next(names))[1])
    conv = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)).eval()
    run, said = bench.cuda.rival(conv, torch.ones(1, 3, 8, 8), torch.device("cpu"))
    assert said["kernel"] == "dilated: implicit_gemm"
    assert run().shape == (1, 4, 8, 8)
