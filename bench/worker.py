"""Times one instruction set in one process, whose environment the parent has set.

Each line printed is a JSON row: layer, spec, kernel, batch, threads, seconds, rival_seconds, ratio,
products_per_second, beside_products (the share of the time that is not the kernels' products:
quantising, packing, rescaling, Python; None for the rival).
"""

import argparse
import json
import statistics
import time

import torch

from bench.cases import LAYERS, Round, plan, products_of, specs
from mbm_hw.multipliers import Spec
from mbm_hw.nn import calibrate_, convert_
from mbm_hw.ops import kernel_name
from mbm_hw.ops.cpu_kernels import time_products


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--isa", required=True)
    parser.add_argument("--layers", nargs="+", required=True)
    parser.add_argument("--specs", nargs="+", required=True)
    parser.add_argument("--batches", nargs="+", type=int, required=True)
    parser.add_argument("--threads", nargs="+", type=int, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    asked = parser.parse_args()
    known = specs()
    for turn in plan(asked.isa, asked.layers, asked.specs, asked.batches, asked.threads):
        torch.set_num_threads(turn.threads)
        for row in time_round(turn, known, asked.repeats):
            print(json.dumps(row), flush=True)


@torch.inference_mode()
def time_round(turn: Round, known: dict[str, Spec], repeats: int) -> list[dict]:
    """Time the layer under each spec, from float32 in to float32 out, beside PyTorch's own.

    The rival is the exact float32 layer in the faster of its memory formats. All take turns, so
    that whatever else the machine does meets them alike; medians.
    """
    torch.manual_seed(0)
    layer = LAYERS[turn.layer]
    exact = torch.nn.Sequential(layer.build()).eval()
    x = torch.relu(torch.randn(turn.batch, *layer.shape))
    runs = {("exact", "contiguous"): (exact, x)}
    if x.ndim == 4:
        last = torch.nn.Sequential(layer.build()).eval().to(memory_format=torch.channels_last)
        last.load_state_dict(exact.state_dict())
        runs["exact", "channels_last"] = last, x.to(memory_format=torch.channels_last)
    for name in turn.specs:
        network = torch.nn.Sequential(layer.build()).eval()
        network.load_state_dict(exact.state_dict())
        convert_(network, known[name])
        calibrate_(network, [x])
        runs[name] = network, x
    times, in_products = {key: [] for key in runs}, dict.fromkeys(runs, 0.0)
    for repeat in range(repeats + 1):
        for key, (network, inputs) in runs.items():
            time_products(True)
            start = time.perf_counter()
            network(inputs)
            seconds = time.perf_counter() - start
            if repeat:  # the first is for the caches
                times[key].append(seconds)
                in_products[key] += time_products(False)
    medians = {key: statistics.median(values) for key, values in times.items()}
    rival = min(seconds for key, seconds in medians.items() if key[0] == "exact")
    products = turn.batch * products_of(turn.layer)
    shared = {
        "layer": turn.layer,
        "batch": turn.batch,
        "threads": turn.threads,
        "rival_seconds": rival,
    }
    rows = [
        shared
        | {"spec": "exact fp32", "kernel": "torch", "seconds": rival, "beside_products": None}
    ]
    for name in turn.specs:
        beside = 1 - in_products[name] / (sum(times[name]) * turn.threads)
        row = {"spec": name, "kernel": kernel_name(known[name]), "seconds": medians[name]}
        rows.append(shared | row | {"beside_products": beside})
    return [
        row | {"ratio": row["seconds"] / rival, "products_per_second": products / row["seconds"]}
        for row in rows
    ]


if __name__ == "__main__":
    main()
