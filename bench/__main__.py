"""python -m bench: time the approximate layers beside PyTorch's exact float32 ones.

Writes bench.json and bench.png, and prints a row for each layer, spec, batch, threads and
instruction set: milliseconds, the ratio to the rival in the same run, products a second, the share
of the time beside the products (quantising, packing, rescaling, Python), the kernel. See
`cases.plan` for what is timed where; all of it took 18 minutes on two Zen 4 cores. A run that is
interrupted keeps the rows that it has.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from tabulate import tabulate
from tqdm import tqdm

from bench.cases import LAYERS, plan, specs
from bench.picture import plot_rates
from mbm_hw.cli.options import OutputFolder
from mbm_hw.ops.cpu_kernels import available_isas
from mbm_hw.system.files import replacing
from mbm_hw.system.supervision import supervise

# So that the rival of AVX2 kernels has AVX2 alone too.
RIVAL_ENVIRONMENT = {
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
}


@click.command()
@click.option("--isa", "isas", multiple=True, help="Instruction sets; default all there are.")
@click.option("--layer", "layers", multiple=True, type=click.Choice(list(LAYERS)))
@click.option("--spec", "chosen", multiple=True, type=click.Choice(list(specs())))
@click.option("--batch", "batches", multiple=True, type=int, default=(1, 8), show_default=True)
@click.option("--threads", multiple=True, type=int, default=(1, 2), show_default=True)
@click.option("--repeats", type=click.IntRange(7), default=7, show_default=True)
@click.option("--results", type=OutputFolder(), default=Path("results/bench"))
def main(isas, layers, chosen, batches, threads, repeats, results):
    """Time the approximate layers beside PyTorch's exact float32 ones."""
    known = available_isas()
    for isa in isas:
        if isa not in known:
            raise click.BadParameter(f"{isa}: this machine has {', '.join(known)}")
    isas, layers = isas or tuple(reversed(known)), layers or tuple(LAYERS)
    chosen = chosen or tuple(specs())
    rows = []
    options = {"layers": layers, "specs": chosen, "batches": batches, "threads": threads}
    rounds = [turn for isa in isas for turn in plan(isa, layers, chosen, batches, threads)]
    try:
        with tqdm(total=sum(1 + len(turn.specs) for turn in rounds), unit="timing") as bar:
            for isa in isas:
                for row in timed(isa, repeats, options):
                    rows.append(row)
                    bar.update()
    finally:  # what an interrupted run has measured is kept
        with replacing(results / "bench.json") as file:
            json.dump(rows, file, indent=1)
        plot_rates(rows, results / "bench.png")
        print(tabulate([cells(row) for row in rows], headers="keys", tablefmt="github"))
        print(f"{len(rows)} timings; bench.json and bench.png are in {results}/")


def timed(isa: str, repeats: int, options: dict[str, tuple]) -> Iterator[dict]:
    """Yield the rows of an instruction set, from a process of its own; exit if that fails."""
    command = [sys.executable, "-m", "bench.worker", "--repeats", str(repeats), "--isa", isa]
    for option, values in options.items():
        command += [f"--{option}", *map(str, values)]
    environment = os.environ | {"MBM_HW_ISA": isa} | RIVAL_ENVIRONMENT.get(isa, {})
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as worker:
        for line in worker.stdout:
            yield {"isa": isa} | json.loads(line)
    if worker.returncode:
        sys.exit(worker.returncode)


def cells(row: dict) -> dict:
    return {
        "isa": row["isa"],
        "layer": row["layer"],
        "batch": row["batch"],
        "threads": row["threads"],
        "spec": row["spec"],
        "ms": f"{1e3 * row['seconds']:.2f}",
        "ratio": f"{row['ratio']:.2f}",
        "G products/s": f"{row['products_per_second'] / 1e9:.1f}",
        "beside": "" if row["beside_products"] is None else f"{row['beside_products']:.0%}",
        "kernel": row["kernel"],
    }


if __name__ == "__main__":
    supervise("bench", main)
