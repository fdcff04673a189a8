"""All kernels that a device may be asked for, one spec of each kind."""

import numpy as np

from mbm_hw import MBM, Exact, Mitchell, Table, product_table
from mbm_hw.multipliers import FloatExact, FloatMBM, FloatMitchell
from mbm_hw.ops.codes import spec_values
from mbm_hw.ops.cuda.compiler import Variant
from mbm_hw.ops.cuda.products import Products, float_products, integer_products
from mbm_hw.ops.cuda.scaling import format_variant
from mbm_hw.ops.cuda.tiles import FLAT, MEDIUM, ROW, Tile

# Of a block, and of a multiprocessor. Ref: CUDA C++ Programming Guide, Technical Specifications per
# Compute Capability.
SHARED_LIMITS = {"sm_80": 163 << 10, "sm_90": 227 << 10, "sm_100": 227 << 10}
REGISTERS = 65_536

_TABLE = Table(np.random.default_rng(1).integers(-(2**15), 2**15, (256, 256)), signed=True)
_INTEGERS = (
    Exact(8, signed=True),
    Exact(16, signed=True),
    Mitchell(8, signed=True),
    Mitchell(8),
    MBM(8, signed=True),
    MBM(8),
    MBM(12, signed=True),
    MBM(16, truncation=8, signed=True),
    MBM(16),
    _TABLE,
    Table(product_table(Mitchell(8))),
    Table(product_table(Mitchell(10, signed=True)), signed=True),
)
_FLOATS = (
    FloatMBM(8, 7, force_lsb=True),
    FloatMBM(8, 23),
    FloatMBM(5, 10),
    FloatMitchell(8, 7),
    FloatExact(8, 7),
    FloatExact(8, 23),
)


def variants(architecture: str) -> list[tuple[str, Variant, Tile | None, int]]:
    """Return name, what is compiled, tile and bytes of dynamic shared memory of every kernel."""
    limit = SHARED_LIMITS[architecture]
    kinds = [(s.identifier, integer_products(spec_values(s), limit)) for s in _INTEGERS]
    kinds += [(s.identifier, float_products(s)) for s in _FLOATS]
    found = [of_tile(name, kind, tile) for name, kind in kinds for tile in tiles_of(kind)]
    found += [("scaling", Variant("scaling.cu"), None, 0)]
    return found + [
        (f"format {bits}", format_variant(*bits), None, 0) for bits in ((8, 7), (5, 10))
    ]


def tiles_of(products: Products) -> list[Tile]:
    tiles = dict.fromkeys([products.largest, MEDIUM, FLAT, ROW])
    return [products.adapted(tile) for tile in tiles]


def of_tile(name, products, tile):
    variant = Variant(products.variant.source, products.variant.macros + tile.macros)
    shared = products.block_bytes(tile)
    return f"{name} {tile.rows}x{tile.columns}", variant, tile, shared
