"""python -m bench.cuda: build, check and time the CUDA kernels beside the device's exact layers.

Every layer's output is compared, bit for bit, with the CPU's. Each spec is timed, from float32 to
float32, beside exact layers: cuDNN's float32 without TF32, by implicit GEMM, bfloat16, and an int8
matrix product of the layer's size. The floor is what the dispatcher expects of the kernels, at the
device's clock.

Rows are written as they come. A case that fails is told in a line, and the next one goes on; run
again with the same kernels, what is in the file is not timed again.
"""

import copy
import json
import os
import statistics
import sys
from pathlib import Path

import click
import torch
from tabulate import tabulate
from torch import nn
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from bench.cases import LAYERS, TABLE, specs
from bench.floors import NOTE, floor_rows
from mbm_hw.multipliers import MBM, find_spec
from mbm_hw.nn import calibrate_, convert_
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda import compiler, convolution, launcher, operators
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.products import float_products
from mbm_hw.ops.cuda.tensor_cores import clocks_of
from mbm_hw.studies.operations import count_multiplications

SPECS = {name: specs()[name] for name in (TABLE, "mitchell8s", "mbm8s", "mbm8s_t2")}
SPECS |= {"mbm8s_t3": MBM(8, truncation=3, signed=True)}
SPECS |= {name: find_spec(name) for name in ("mbm12s", "mbm16s", "mitchell_bf16", "mbm_bf16")}
NETWORK_SPECS = ("mbm8s", "mbm8s_t2")
TRANSFORMS = ("winograd", "fft")
"""Algorithms of cuDNN, in its kernels' names, with fewer products than the layer has."""
CHOOSES_ITSELF = {"TORCH_CUDNN_V8_API_DISABLED": "1"}
"""Has torch name cuDNN's algorithm, rather than cuDNN choose: implicit GEMM, always, where it is to
be deterministic. Read at the first convolution.

Ref: PyTorch, aten/src/ATen/native/cudnn/Conv_v7.cpp, `onlyDefaultAlgorithm`.
"""
INNER, SECONDS = 10, 0.1
"""At most so many runs between two events, and about so long."""
RIVAL = "exact fp32"


@click.command()
@click.option("--layer", "layers", multiple=True, type=click.Choice(list(LAYERS)))
@click.option("--spec", "chosen", multiple=True, type=click.Choice(list(SPECS)))
@click.option("--batch", "batches", multiple=True, type=int, default=(8,), show_default=True)
@click.option("--repeats", type=click.IntRange(3), default=7, show_default=True)
@click.option("--floors", is_flag=True, help="Print what the instructions allow; needs no device.")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results/bench"))
def main(layers, chosen, batches, repeats, floors, results):
    """Build, check and time the CUDA kernels beside the device's exact layers."""
    if floors:
        print(tabulate(floor_rows(), headers="keys", tablefmt="github"), NOTE, sep="\n\n")
        return
    if not torch.cuda.is_available():
        print("error: bench.cuda needs a CUDA device, and a torch built for CUDA", file=sys.stderr)
        sys.exit(2)
    os.environ.update(CHOOSES_ITSELF)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    device = the_device()
    results.mkdir(parents=True, exist_ok=True)
    file = results / "bench_cuda.jsonl"
    key = {"device": device_name(device), "sources": compiler.sources_digest().hex()[:16]}
    known = [row for row in read(file) if key.items() <= row.items()]
    rows, failed = [], []
    for layer in layers or LAYERS:
        names = NETWORK_SPECS if LAYERS[layer].is_network else tuple(SPECS)
        names = [name for name in names if name in (chosen or SPECS)]
        for batch in (1,) if LAYERS[layer].is_network else batches:
            there = [r for r in known if (r["layer"], r["batch"]) == (layer, batch)]
            if not {RIVAL, *names} <= {row["spec"] for row in there}:
                print(f"{layer}, batch {batch}", file=sys.stderr)
                there = timed(layer, names, batch, repeats, device, failed)
                with file.open("a") as lines:
                    lines.writelines(json.dumps(key | row) + "\n" for row in there)
            rows += there
    print(key["device"])
    print(tabulate([cells(row) for row in rows], headers="keys", tablefmt="github"))
    unequal = [f"{row['layer']}, {row['spec']}" for row in rows if row["equal"] is False]
    for title, names in (("failed", failed), ("NOT the CPU's bits", unequal)):
        if names:
            print(f"{title}: {'; '.join(names)}")
    if failed or unequal:
        sys.exit(1)
    print(f"every layer gives the CPU's bits; the rows are in {file}")


def the_device() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device())


def device_name(device) -> str:
    return torch.cuda.get_device_name(device)


def clock_rate(device) -> float:
    """Return the multiprocessors' highest clock, in Hz."""
    return 1e3 * compiler.cuda_core().Device(device.index).properties.clock_rate


def read(file: Path) -> list[dict]:
    """Return the rows of earlier runs; a line that a kill cut short is none."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            print(f"{file}: a line that is not whole is left out", file=sys.stderr)
    return rows


@torch.inference_mode()
def timed(name, names, batch, repeats, device, failed) -> list[dict]:
    """Return a row for each exact layer and spec; all take turns, medians of `repeats`.

    What fails is left out, told in a line and added to `failed`.
    """
    torch.manual_seed(0)
    layer = LAYERS[name]
    exact = nn.Sequential(layer.build()).eval()
    x = torch.relu(torch.randn(batch, *layer.shape))
    products = batch * sum(count_multiplications(exact, x[0]).values())
    runs, rows = {}, {}

    def attempt(key, prepare):
        try:
            run, row = prepare()
            run()
        except Exception as error:
            failed.append(f"{name}, batch {batch}, {key}")
            first = str(error).splitlines() or [""]
            print(f"{failed[-1]}: {type(error).__name__}: {first[0]}", file=sys.stderr)
        else:
            runs[key], rows[key] = run, {"layer": name, "batch": batch, "spec": key} | row

    attempt(RIVAL, lambda: rival(exact, x, device))
    attempt("exact bf16", lambda: in_bfloat16(exact, x, device))
    if getattr(exact[0], "groups", 1) == 1 and hasattr(exact[0], "weight"):
        attempt("exact int8 matmul", lambda: int8_product(exact, x, device))
    for key in names:
        attempt(key, lambda key=key: approximate(exact, layer, SPECS[key], x, device))
    seconds = measured(runs, repeats)
    for key, row in rows.items():
        row |= {"seconds": seconds[key], "products_per_second": products / seconds[key]}
        row["ratio"] = seconds[key] / seconds[RIVAL] if RIVAL in seconds else None
    return list(rows.values())


def rival(exact, x, device):
    """Return the float32 layer or network as a function, and its longest kernel.

    All products are made, by implicit GEMM. Should cuDNN take a transform even so, `kernel` says
    it, and a layer is timed dilated: of the same size, and there is no transform for it.
    """
    network, inputs = copy.deepcopy(exact).to(device), x.to(device)

    def run():
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            return network(inputs)

    kernels = kernels_by_time(run)
    if (transforms := [k for k in kernels if any(t in k.lower() for t in TRANSFORMS)]) == []:
        return run, {"kernel": kernels[0], "equal": None}
    kernel = f"TRANSFORM {transforms[0]}"
    if len(network) == 1:
        network[0].dilation = (2, 2)
        network[0].padding = tuple(size - 1 for size in network[0].kernel_size)
        kernel = f"dilated: {kernels_by_time(run)[0]}"
    return run, {"kernel": kernel, "equal": None}


def in_bfloat16(exact, x, device):
    network, inputs = copy.deepcopy(exact).to(device, torch.bfloat16), x.to(device, torch.bfloat16)
    if x.ndim == 4:
        layout = torch.channels_last
        network, inputs = network.to(memory_format=layout), inputs.to(memory_format=layout)
    kernel = kernels_by_time(lambda: network(inputs))[0]
    return lambda: network(inputs), {"kernel": kernel, "equal": None}


def int8_product(exact, x, device):
    rows = exact(x[:1])[0, :1].numel() * len(x)
    outputs, terms = exact[0].weight.flatten(1).shape
    sides = [-(-side // 32) * 32 for side in (max(rows, 32), terms, outputs)]
    codes = torch.ones(sides[0], sides[1], dtype=torch.int8, device=device)
    weights = torch.ones(sides[2], sides[1], dtype=torch.int8, device=device).t()
    kernel = kernels_by_time(lambda: torch._int_mm(codes, weights))[0]
    return lambda: torch._int_mm(codes, weights), {"kernel": kernel, "equal": None}


def approximate(exact, layer, spec, x, device):
    """Return the converted layer as a function; whether its bits are the CPU's, and its floor."""
    network, row = copy.deepcopy(exact), {"equal": None, "kernel": "of its layers"}
    convert_(network, spec)
    calibrate_(network, [x])
    expected = None if layer.is_network else network(x[:1])
    network, inputs = network.to(device), x.to(device)
    if expected is not None:
        actual = network(inputs[:1]).cpu()
        row["equal"] = torch.equal(actual.view(torch.int32), expected.view(torch.int32))
        row |= kernels_of(network[0], spec, inputs, device)
    return lambda: network(inputs), row


def kernels_by_time(run) -> list[str]:
    """Return the names of the kernels that a function runs, those that take longest first."""
    run()
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        run()
        torch.cuda.synchronize()
    kernels = [event for event in seen.key_averages() if event.device_type == DeviceType.CUDA]
    kernels.sort(key=lambda event: -event.device_time_total)
    return [event.key for event in kernels] or ["not seen"]


def measured(runs: dict, repeats: int) -> dict[str, float]:
    """Return the median seconds of each function; they take turns, after one round to warm up."""
    once = {key: elapsed(run, 1) for key, run in runs.items()}
    counts = {key: int(min(INNER, max(1, SECONDS / once[key]))) for key in runs}
    times = {key: [] for key in runs}
    for _ in range(repeats):
        for key, run in runs.items():
            times[key].append(elapsed(run, counts[key]) / counts[key])
    return {key: statistics.median(values) for key, values in times.items()}


def elapsed(run, count: int) -> float:
    """Return the device's seconds for so many runs."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(count):
        run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3


def kernels_of(module, spec, x, device) -> dict:
    """Return what kernels the layer gets, what of the device the first one takes, and the floor."""
    weight, out = module.weight, module(x)
    groups = getattr(module, "groups", 1)
    is_conv = isinstance(module, nn.Conv2d)
    positions = out[:, :1].numel() if is_conv else out[..., 0].numel()
    sizes = (positions, len(weight) // groups, groups)
    if not is_conv and positions < sizes[1]:
        sizes = (sizes[1], positions, 1)
    if spec.is_float:
        parts = (float_products(spec),)
    else:
        parts = operators.chosen_products(spec_values(spec), weight[0].numel(), sizes, device)
    processors, processor = (
        convolution.multiprocessors(device),
        operators.device_multiprocessor(device),
    )
    clocks = sum(clocks_of(products, sizes, processor, processors) for products in parts)
    tile = parts[0].tile(*sizes, processors)
    variant = Variant(parts[0].variant.source, parts[0].variant.macros + tile.macros)
    shared = parts[0].block_bytes(tile)
    taken = launcher.resources(variant, device, tile.threads, shared)
    floor = sizes[0] * sizes[1] * sizes[2] / clocks * clock_rate(device)
    name = " + ".join(products.name for products in parts)
    return {"kernel": name, "floor": floor, "shared": shared} | taken


def cells(row: dict) -> dict:
    floor, ratio = row.get("floor"), row["ratio"]
    return {
        "layer": row["layer"],
        "batch": row["batch"],
        "spec": row["spec"],
        "bits": {True: "equal", False: "DIFFERENT", None: ""}[row["equal"]],
        "ms": f"{1e3 * row['seconds']:.3f}",
        "ratio": "" if ratio is None else f"{ratio:.2f}",
        "T products/s": f"{row['products_per_second'] / 1e12:.3f}",
        "of the floor": f"{row['products_per_second'] / floor:.0%}" if floor else "",
        "kernel": row["kernel"][:60],
        "registers": row.get("registers", ""),
        "blocks/SM": row.get("blocks", ""),
        "shared": row.get("shared", ""),
    }


if __name__ == "__main__":
    main()
