"""python -m bench.cuda: check the CUDA kernels, then time them beside exact layers on the device.

Every layer's output is compared, bit for bit, with the CPU's. Each spec is timed, from float32 to
float32, beside cuDNN's exact float32 layer without TF32, the same in bfloat16, and an int8 matrix
product of the layer's size, which are exact on tensor cores. The floor is what the kernel's
instructions, or its tensor-core products, take on so many multiprocessors at their clock.
"""

import copy
import json
import statistics
import sys
from pathlib import Path

import click
import torch
from tabulate import tabulate
from torch import nn

from bench.cases import LAYERS, plan, specs
from mbm_hw.files import replacing
from mbm_hw.float_spec import FloatSpec
from mbm_hw.nn import calibrate_, convert_
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda import convolution, launcher, operators
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.products import float_products
from mbm_hw.studies.networks import count_multiplications

INNER = 10  # runs between two events


@click.command()
@click.option("--layer", "layers", multiple=True, type=click.Choice(list(LAYERS)))
@click.option("--spec", "chosen", multiple=True, type=click.Choice(list(specs())))
@click.option("--batch", "batches", multiple=True, type=int, default=(1, 8), show_default=True)
@click.option("--repeats", type=click.IntRange(7), default=9, show_default=True)
@click.option("--results", type=click.Path(path_type=Path), default=Path("results/bench"))
def main(layers, chosen, batches, repeats, results):
    """Check and time the CUDA kernels beside the device's exact layers."""
    if not torch.cuda.is_available():
        print("error: bench.cuda needs a CUDA device, and a torch built for CUDA", file=sys.stderr)
        sys.exit(2)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    device = torch.device("cuda", torch.cuda.current_device())
    known, rows = specs(), []
    for layer, names, batch in plan(layers or tuple(LAYERS), chosen or tuple(known), batches):
        print(f"{layer}, batch {batch}", file=sys.stderr)
        rows += time_layer(layer, {name: known[name] for name in names}, batch, repeats, device)
    with replacing(results / "bench_cuda.json") as file:
        json.dump({"device": torch.cuda.get_device_name(device), "rows": rows}, file, indent=1)
    print(torch.cuda.get_device_name(device))
    print(tabulate([cells(row) for row in rows], headers="keys", tablefmt="github"))
    unequal = [f"{row['layer']}, {row['spec']}" for row in rows if row["equal"] is False]
    if unequal:
        print(f"NOT the CPU's bits: {'; '.join(unequal)}")
        sys.exit(1)
    print(f"every layer gives the CPU's bits; bench_cuda.json is in {results}/")


@torch.inference_mode()
def time_layer(name, specs, batch, repeats, device) -> list[dict]:
    """Return a row for each exact layer and spec; all take turns, medians of `repeats`."""
    torch.manual_seed(0)
    layer = LAYERS[name]
    exact = nn.Sequential(layer.build()).eval()
    x = torch.relu(torch.randn(batch, *layer.shape))
    is_layer = isinstance(exact[0], (nn.Conv2d, nn.Linear))
    runs, rows = exact_runs(exact, x, device), {}
    for key in runs:
        rows[key] = {"spec": key, "kernel": "torch", "equal": None}
    for key, spec in specs.items():
        network = nn.Sequential(layer.build()).eval()
        network.load_state_dict(exact.state_dict())
        convert_(network, spec)
        calibrate_(network, [x])
        rows[key] = {"spec": key, "equal": None}
        if is_layer:
            expected = network(x[:1])
        network, on_device = network.to(device), x.to(device)
        if is_layer:
            rows[key] |= kernel_of(network[0], spec, on_device, device)
            actual = network(on_device[:1]).cpu()
            rows[key]["equal"] = torch.equal(actual.view(torch.int32), expected.view(torch.int32))
        runs[key] = lambda network=network, on_device=on_device: network(on_device)
    products = batch * sum(count_multiplications(exact, x[0]).values())
    seconds = measured(runs, repeats)
    rival = seconds["exact fp32"]
    for key, row in rows.items():
        row |= {"layer": name, "batch": batch, "seconds": seconds[key]}
        row |= {"ratio": seconds[key] / rival, "products_per_second": products / seconds[key]}
    return list(rows.values())


def exact_runs(exact, x, device) -> dict:
    """Return the exact layers as functions: float32, bfloat16, and int8 of the same size."""
    runs = {}
    for name, dtype in (("exact fp32", torch.float32), ("exact bf16", torch.bfloat16)):
        network, inputs = copy.deepcopy(exact).to(device, dtype), x.to(device, dtype)
        if x.ndim == 4 and dtype == torch.bfloat16:
            layout = torch.channels_last
            network, inputs = network.to(memory_format=layout), inputs.to(memory_format=layout)
        runs[name] = lambda network=network, inputs=inputs: network(inputs)
    module = exact[0]
    if isinstance(module, (nn.Conv2d, nn.Linear)) and getattr(module, "groups", 1) == 1:
        rows = exact(x[:1])[0, :1].numel() * len(x)
        outputs, terms = module.weight.flatten(1).shape
        sides = [-(-side // 32) * 32 for side in (max(rows, 32), terms, outputs)]
        codes = torch.ones(sides[0], sides[1], dtype=torch.int8, device=device)
        weights = torch.ones(sides[2], sides[1], dtype=torch.int8, device=device).t()
        runs["exact int8 matmul"] = lambda: torch._int_mm(codes, weights)
    return runs


def measured(runs: dict, repeats: int) -> dict[str, float]:
    """Return the median seconds of each function; they take turns, after one round to warm up."""
    times = {key: [] for key in runs}
    for repeat in range(repeats + 1):
        for key, run in runs.items():
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(INNER):
                run()
            end.record()
            end.synchronize()
            if repeat:
                times[key].append(start.elapsed_time(end) / 1e3 / INNER)
    return {key: statistics.median(values) for key, values in times.items()}


def kernel_of(module, spec, x, device) -> dict:
    """Return what kernel the layer gets, what of the device it takes, and its floor."""
    weight = module.weight
    out = module(x)
    groups = getattr(module, "groups", 1)
    is_conv = isinstance(module, nn.Conv2d)
    positions = out[:, :1].numel() if is_conv else out[..., 0].numel()
    sizes = (positions, len(weight) // groups, groups)
    if not is_conv and positions < sizes[1]:
        sizes = (sizes[1], positions, 1)
    if isinstance(spec, FloatSpec):
        products = float_products(spec)
    else:
        values = spec_values(spec)
        products = operators.chosen_products(values, weight[0].numel(), sizes, device)
    processors = convolution.multiprocessors(device)
    tile = products.tile(*sizes, processors)
    variant = Variant(products.variant.source, products.variant.macros + tile.macros)
    shared = products.shared_bytes + tile.shared_bytes
    taken = launcher.resources(variant, device, tile.threads, shared)
    rate = products.rate(operators.device_multiprocessor(device), tile)
    clock = 1e3 * torch.cuda.get_device_properties(device).clock_rate
    return {"kernel": products.name, "floor": rate * processors * clock, "shared": shared} | taken


def cells(row: dict) -> dict:
    floor = row.get("floor")
    return {
        "layer": row["layer"],
        "batch": row["batch"],
        "spec": row["spec"],
        "bits": {True: "equal", False: "DIFFERENT", None: ""}[row["equal"]],
        "ms": f"{1e3 * row['seconds']:.3f}",
        "ratio": f"{row['ratio']:.2f}",
        "T products/s": f"{row['products_per_second'] / 1e12:.3f}",
        "of the floor": f"{row['products_per_second'] / floor:.0%}" if floor else "",
        "kernel": row["kernel"],
        "registers": row.get("registers", ""),
        "blocks/SM": row.get("blocks", ""),
        "shared": row.get("shared", ""),
    }


if __name__ == "__main__":
    main()
