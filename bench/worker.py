"""Times one instruction set in one process, whose environment the parent has set.

Each line printed is a JSON row: layer, spec, kernel, batch, threads, seconds, rival_seconds, ratio,
products_per_second.
"""

import argparse
import json
import statistics
import time

import torch

from bench.cases import LAYERS, plan, specs
from mbm_hw.nn import calibrate_, convert_
from mbm_hw.ops import kernel_name
from mbm_hw.studies.operations import count_multiplications


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layers", nargs="+", required=True)
    parser.add_argument("--specs", nargs="+", required=True)
    parser.add_argument("--batches", nargs="+", type=int, required=True)
    parser.add_argument("--threads", nargs="+", type=int, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    arguments = parser.parse_args()
    known = specs()
    for layer, names, batch in plan(arguments.layers, arguments.specs, arguments.batches):
        for threads in arguments.threads:
            torch.set_num_threads(threads)
            chosen = {name: known[name] for name in names}
            for row in time_layer(layer, chosen, batch, arguments.repeats):
                print(json.dumps(row | {"threads": threads}), flush=True)


@torch.inference_mode()
def time_layer(name: str, specs: dict, batch: int, repeats: int) -> list[dict]:
    """Time the layer under each spec, from float32 in to float32 out, beside PyTorch's own.

    The rival is the exact float32 layer in the faster of its memory formats. All take turns, so
    that whatever else the machine does meets them alike; medians.
    """
    torch.manual_seed(0)
    layer = LAYERS[name]
    exact = torch.nn.Sequential(layer.build()).eval()
    x = torch.relu(torch.randn(batch, *layer.shape))
    runs = {("exact", "contiguous"): (exact, x)}
    if x.ndim == 4:
        last = torch.nn.Sequential(layer.build()).eval().to(memory_format=torch.channels_last)
        last.load_state_dict(exact.state_dict())
        runs["exact", "channels_last"] = last, x.to(memory_format=torch.channels_last)
    for spec_name, spec in specs.items():
        network = torch.nn.Sequential(layer.build()).eval()
        network.load_state_dict(exact.state_dict())
        convert_(network, spec)
        calibrate_(network, [x])
        runs[spec_name] = network, x
    times = {key: [] for key in runs}
    for repeat in range(repeats + 1):
        for key, (network, inputs) in runs.items():
            start = time.perf_counter()
            network(inputs)
            if repeat:  # the first is for the caches
                times[key].append(time.perf_counter() - start)
    medians = {key: statistics.median(values) for key, values in times.items()}
    rival = min(seconds for key, seconds in medians.items() if key[0] == "exact")
    products = batch * sum(count_multiplications(exact, x[0]).values())
    row = {"layer": name, "batch": batch, "rival_seconds": rival}
    rows = [row | {"spec": "exact fp32", "kernel": "torch", "seconds": rival}]
    rows += [
        row | {"spec": key, "kernel": kernel_name(specs[key]), "seconds": medians[key]}
        for key in specs
    ]
    return [
        row | {"ratio": row["seconds"] / rival, "products_per_second": products / row["seconds"]}
        for row in rows
    ]


if __name__ == "__main__":
    main()
