"""What CUDA kernels can do at best, by their instructions: no device is needed to know it."""

from bench.sass import FLOATS_AT_ONCE, INTEGERS, ISSUED, clocks, instructions
from mbm_hw.multipliers import find_spec
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.multiprocessor import multiprocessor
from mbm_hw.ops.cuda.products import float_products
from mbm_hw.ops.cuda.tensor_cores import TensorProducts, fastest_products

SPECS = ("exact8s", "mitchell8s", "mbm8s", "mbm8s_t2", "mbm8s_t4", "mitchell8", "mbm8", "mbm12s")
SPECS += ("mitchell16s", "mbm16s", "mbm16s_t8", "mitchell_bf16", "mbm_bf16", "mbm_fp16", "mbm_fp32")
LAYER = 8 * 60 * 80, 128, 1
"""Positions, outputs, groups of the layer that kernels are chosen for; it has 1152 terms."""
DEVICES = {
    "A100": ("sm_80", (8, 0), 163 << 10, 108, 1.41e9),
    "H100": ("sm_90", (9, 0), 227 << 10, 132, 1.7e9),
}
"""Architecture, compute capability, bytes of shared memory, multiprocessors, Hz. An H200's are an
H100's. Ref: NVIDIA A100 and H100 whitepapers; the H100's clock is one that it holds under load."""


CORNER_SHARE = 1 - (1 - 5 / 128) ** 8
"""Of products of float32's exponents, those that take a comparison: one of the 8 weights that a
warp multiplies at a time has a mantissa from 123/128 on, if all are as frequent."""
NOTE = """\
Three instructions bound MBM's products: Mitchell's product, as the patterns' sum, its correction,
and their sum, each one at least. Integers' corrections that depend on characteristics alone may go
to tensor cores. Float products, which are rounded and summed one by one, take a comparison as well
where a weight's mantissa is nearly 2, since the correction is left out where mantissas sum up to
nearly that; always, up to 6 exponent bits, and another, since products may underflow; and logic,
where a halved mantissa is cut to the format's grid (no bit is forced, fewer than 23 bits). Moves
are the compiler's, of doubles' lower words."""
"""Why kernels take what they take."""


def floor_rows() -> list[dict]:
    """Return a row for each spec and device: the pipes' clocks to a product, and what they allow.

    Instructions are those of a product, by what they are for; of what all products of a weight or
    of an activation share there is a part. Clocks are those in which a multiprocessor starts 128
    instructions of one thread, so an exact float32 product and sum takes one, on an A100 two; the
    bound is the longest of them. Ratio: the time to that of exact products at the peak.
    """
    return [row(name, device) for name in SPECS for device in DEVICES]


def row(name: str, device: str) -> dict:
    architecture, capability, shared, count, clock = DEVICES[device]
    processor, spec = multiprocessor(capability, shared), find_spec(name)
    if spec.is_float:
        parts = (float_products(spec),)
    else:
        parts = fastest_products(spec_values(spec), 1152, LAYER, processor, count)
    total, seen, kinds = 0.0, [], []
    for products in parts:
        tile = products.tile(*LAYER, count)
        if isinstance(products, TensorProducts):
            taken = {"tensor cores": processor.lanes / products.rate(processor, tile)}
        else:
            macros = products.variant.macros + tile.macros
            variant = Variant(products.variant.source, macros)
            taken = clocks(variant, architecture, tile)
            counted = instructions(variant, architecture, tile)
            if spec.is_float and spec.family == "mbm" and spec.exponent_bits > 6:
                counted["compare"] += CORNER_SHARE
                taken["issue"] += CORNER_SHARE
                taken["integer"] += CORNER_SHARE * ISSUED / INTEGERS
            kinds.append(", ".join(f"{n:.1f} {kind}" for kind, n in counted.items() if n >= 0.05))
        total += max(taken.values())
        seen.append(", ".join(f"{pipe} {number:.2f}" for pipe, number in sorted(taken.items())))
    rate = processor.lanes / total
    return {
        "spec": name,
        "device": device,
        "kernel": " + ".join(products.name for products in parts),
        "instructions": "; ".join(kinds),
        "clocks of the pipes": "; then ".join(seen),
        "products/clock": f"{rate:.1f}",
        "T products/s": f"{rate * count * clock / 1e12:.2f}",
        "ratio": f"{FLOATS_AT_ONCE[architecture] / rate:.2f}",
    }
