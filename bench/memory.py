"""python -m bench.memory: the memory of a convolution layer's forward, approximate beside exact.

Each is the peak of the resident memory of a fresh process, above what it had before there were a
layer and an image: parameters, input, output, and whatever else the forward needs.
"""

import subprocess
import sys

import torch
from tabulate import tabulate

from bench.cases import LAYERS, specs
from mbm_hw.nn import calibrate_, convert_
from mbm_hw.studies.memory import NOW, reset_peak, resident_bytes

EXACT = "exact fp32"
MEASURED_SPECS = ("random table, 8 bits", "mbm8s", "mbm16s", "mbm_bf16", "mbm_fp32")
MEASURED_LAYERS = tuple(name for name in LAYERS if "x" in name and not LAYERS[name].is_network)


def peak_mebibytes(layer: str, spec: str) -> float:
    """Return the peak of a forward in a fresh process; spec : a name, or EXACT."""
    command = [sys.executable, "-m", "bench.memory", layer, spec]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(output) / 2**20


@torch.inference_mode()
def measure(layer_name: str, spec: str) -> int:
    """Return the bytes that the forward's peak is above the process's memory before the layer."""
    torch.set_num_threads(1)
    layer, convolution = LAYERS[layer_name], torch.nn.Conv2d(4, 4, 3)
    convolution(torch.randn(1, 4, 8, 8))  # brings in torch's own code
    if spec != EXACT:
        warm = torch.nn.Sequential(convolution)
        convert_(warm, specs()[spec])
        calibrate_(warm, [torch.randn(1, 4, 8, 8)])
        warm(torch.randn(1, 4, 8, 8))
    before = resident_bytes(NOW)
    network, x = torch.nn.Sequential(layer.build()).eval(), torch.randn(1, *layer.shape)
    if spec != EXACT:
        convert_(network, specs()[spec])
        calibrate_(network, [x[..., :8, :8]])
    reset_peak()
    network(x)
    return resident_bytes() - before


def main():
    rows = []
    for layer in MEASURED_LAYERS:
        exact = peak_mebibytes(layer, EXACT)
        rows.append({"layer": layer, "spec": EXACT, "MiB": f"{exact:.1f}", "ratio": ""})
        for spec in MEASURED_SPECS:
            peak = peak_mebibytes(layer, spec)
            row = {"layer": layer, "spec": spec, "MiB": f"{peak:.1f}"}
            rows.append(row | {"ratio": f"{peak / exact:.2f}"})
    print(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(measure(*sys.argv[1:]))
    else:
        main()
